"""A peer for the benchmark: PyTorch training or evaluating a CIFAR ResNet on the CPU.

usage: python3 pytorch.py ARCH train|infer BATCH THREADS contiguous|channels_last

Tuned as far as settings go: in-place ReLU, foreach SGD, batch norm folded into convolutions for
inference, both memory formats (the caller takes the better one, and sets malloc to keep its heap).
After its first step it prints one JSON line, and then, for each line on standard input that holds a
number of seconds, it runs for about that long and prints {"images_per_second": ...}, so that the
caller can interleave rounds of several programs in one run.
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.pad = 0 if inputs == outputs else outputs // 4

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        y += x
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks, channels = [], 16
        for outputs in (16, 32, 64):
            for i in range(n):
                blocks.append(Block(channels, outputs, 2 if i == 0 and outputs > 16 else 1))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def fold(self):
        """Batch norms into the convolutions before them; in evaluation only."""
        for module in [self, *self.blocks]:
            for conv, norm in (("conv1", "bn1"), ("conv2", "bn2")):
                if hasattr(module, conv):
                    fused = fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm))
                    setattr(module, conv, fused)
                    setattr(module, norm, nn.Identity())

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return self.linear(self.blocks(x).mean((2, 3)))


def main():
    arch, mode, batch, threads, layout = sys.argv[1:6]
    batch = int(batch)
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = ResNet(int(arch.removeprefix("resnet"))).to(memory_format=memory_format)
    images = torch.randn(batch, 3, 32, 32).to(memory_format=memory_format)
    labels = torch.randint(0, 10, (batch,))
    try:
        sgd = torch.optim.SGD(net.parameters(), 0.1, 0.9, weight_decay=1e-4, foreach=True)
    except TypeError:  # before foreach existed
        sgd = torch.optim.SGD(net.parameters(), 0.1, 0.9, weight_decay=1e-4)

    def train():
        sgd.zero_grad(set_to_none=True)
        F.cross_entropy(net(images), labels).backward()
        sgd.step()

    def infer():
        with torch.inference_mode():
            net(images)

    step = train if mode == "train" else infer
    net.train(mode == "train")
    if mode == "infer":
        net.fold()
        net = net.to(memory_format=memory_format)
    step()
    ready = {"peer": "PyTorch " + torch.__version__.split("+")[0], "batch": batch}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        seconds, steps = float(line), 0
        start, busy = time.perf_counter(), time.process_time()
        while steps == 0 or time.perf_counter() - start < seconds:
            step()
            steps += 1
        turn = {
            "images_per_second": steps * batch / (time.perf_counter() - start),
            "images_per_cpu_second": steps * batch / (time.process_time() - busy),
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
        print(json.dumps(turn), flush=True)


if __name__ == "__main__":
    main()
