"""Where models go: into the tools that the world uses, and into a web page.

Each way out is a file FORMAT.py with a function `export_FORMAT(run, path)`: run is a run folder, path where to write.
"""

FORMATS = {  # each FORMAT, and what its file writes
    "huggingface": "a folder for transformers and whatever else reads such folders",
    "gguf": "a file for llama.cpp and whatever else reads GGUF",
}
