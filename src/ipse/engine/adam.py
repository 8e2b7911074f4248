"""Adam as PyTorch has it, without the import of PyTorch's compiler.

Several methods of ``torch.optim.Optimizer`` tell the compiler (``torch._dynamo``) to leave them out, and import it for
that: 800 modules, a second of every process that fits. Here the same methods are called without that decoration.
"""

from inspect import unwrap

import torch


class Adam(torch.optim.Adam):
    """The same steps, parameters and state."""

    add_param_group = unwrap(torch.optim.Adam.add_param_group)
    zero_grad = unwrap(torch.optim.Adam.zero_grad)
    state_dict = unwrap(torch.optim.Adam.state_dict)
    load_state_dict = unwrap(torch.optim.Adam.load_state_dict)
    step = torch.no_grad()(unwrap(torch.optim.Adam.step))
