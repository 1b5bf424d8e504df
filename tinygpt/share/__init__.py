"""Where models go: into the tools that the world uses, and into a web page.

Each way out is a file FORMAT.py with a function `export_FORMAT(run, path)`: run is a run folder, path where to write.
"""
