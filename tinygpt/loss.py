"""The last step of training: scores of every token, softmax, cross-entropy, without ever holding all scores."""

import torch

ROWS_AT_ONCE = 256  # their scores fit into a core's cache


class HeadLoss(torch.autograd.Function):
    """Mean cross-entropy of `x @ weight.T` with the targets, in nats: x (N, C), weight (V, C), targets (N,) -> ().

    The gradient of softmax and cross-entropy is just probabilities minus the truth. So a chunk of rows can form its
    share of the gradients while its scores are still at hand, and forget them.
    """

    @staticmethod
    def forward(ctx, x, weight, targets):
        total, x_grad, weight_grad = 0.0, torch.empty_like(x), torch.zeros_like(weight, dtype=torch.float32)
        for begin in range(0, len(x), ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            grad = (x[rows] @ weight.T).float()  # (rows, V), scores for now
            truth = targets[rows, None]  # (rows, 1)
            log_total = grad.logsumexp(-1, keepdim=True)  # (rows, 1)
            total += (log_total - grad.gather(1, truth)).sum()
            grad = grad.sub_(log_total).exp_()  # (rows, V), probabilities
            grad.scatter_add_(1, truth, torch.full_like(truth, -1, dtype=grad.dtype))
            grad = grad.div_(len(x)).to(x.dtype)
            x_grad[rows] = grad @ weight
            weight_grad += grad.T @ x[rows]
        ctx.save_for_backward(x_grad, weight_grad.to(weight.dtype))
        return total / len(x)

    @staticmethod
    def backward(ctx, grad):
        x_grad, weight_grad = ctx.saved_tensors
        return grad * x_grad, grad * weight_grad, None
