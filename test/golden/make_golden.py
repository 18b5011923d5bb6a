"""PyTorch's own values for a small network, ResNet-8 with each shortcut, to check a clone against.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors
    venv/bin/python test/golden/make_golden.py  # writes resnet8-a.safetensors, resnet8-b.safetensors, muon.json

Weights, images and labels come from a formula (`noise`, also in formula.ts), so that the files hold
only results. PyTorch computes in float64, which leaves no doubt about the last bits of float32; what
it found is stored as float32. Big tensors are stored in part: `sample` takes 256 values of each.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

BATCH, STEPS, SAMPLES = 16, 3, 256
MASK = np.uint64(0xFFFFFFFF)


def noise(stream, count):
    """`count` unsigned 32-bit integers: murmur3's finalizer over FNV-1a of the stream's name."""
    state = 0x811C9DC5
    for byte in stream.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64(state)) & MASK
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x85EBCA6B) & MASK
    x ^= x >> np.uint64(13)
    x = x * np.uint64(0xC2B2AE35) & MASK
    return x ^ x >> np.uint64(16)


def initial(name, shape):
    """Values of one tensor of the network: He's variance for weights, near 0 or 1 for the rest."""
    unit = (noise(name, int(np.prod(shape))) / 2**31 - 1).reshape(shape)
    if len(shape) > 1:
        values = np.sqrt(6 / np.prod(shape[1:])) * unit
    elif name.endswith(("bias", "running_mean")):
        values = 0.25 * unit
    else:
        values = 1 + 0.25 * unit
    return values.astype(np.float32).astype(np.float64)


def images(count):
    """Bytes [count, 3, 32, 32]: noise in blocks of 4 by 4 pixels plus noise in each."""
    coarse = (noise("coarse", count * 3 * 64) >> np.uint64(25)).reshape(count, 3, 8, 8)
    fine = (noise("fine", count * 3 * 1024) >> np.uint64(25)).reshape(count, 3, 32, 32)
    return coarse.repeat(4, axis=2).repeat(4, axis=3) + fine


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.changes, self.padding = stride != 1, outputs // 4
        if self.changes and option == "B":
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "shortcut"):
            x = self.shortcut(x)
        elif self.changes:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(y + x)


class ResNet8(nn.Module):
    def __init__(self, option):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1, option))
        self.layer2 = nn.Sequential(Block(16, 32, 2, option))
        self.layer3 = nn.Sequential(Block(32, 64, 2, option))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def sample(values):
    flat = values.detach().numpy().reshape(-1)
    if flat.size <= SAMPLES:
        return flat
    return flat[np.arange(SAMPLES) * flat.size // SAMPLES]


def make(option):
    net = ResNet8(option).double()
    state = net.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(initial(name, tuple(value.shape)))
    net.load_state_dict(state)

    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(1, 3, 1, 1)
    x = torch.from_numpy(images(BATCH * STEPS).astype(np.float64)) / 255
    x = (x - mean) / deviation
    y = torch.from_numpy((noise("labels", BATCH * STEPS) % np.uint64(10)).astype(np.int64))

    found = {}

    def evaluate(what):
        net.eval()
        with torch.no_grad():
            found[what] = net(x[:BATCH]).numpy()
        net.train()

    def running(what):
        for name, value in net.state_dict().items():
            if "running" in name:
                found[f"{what}.{name}"] = value.numpy().copy()

    evaluate("initial.logits")
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        sgd.zero_grad()
        loss = F.cross_entropy(net(x[batch]), y[batch])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            for name, parameter in net.named_parameters():
                found[f"first.gradient.{name}"] = sample(parameter.grad).copy()
                found[f"first.norm.{name}"] = np.array([parameter.grad.norm().item()])
        sgd.step()
        if step == 0:
            running("first.running")
    for name, parameter in net.named_parameters():
        found[f"trained.weights.{name}"] = sample(parameter).copy()
    running("trained.running")
    evaluate("trained.logits")
    found["losses"] = np.array(losses)

    path = pathlib.Path(__file__).parent / f"resnet8-{option.lower()}.safetensors"
    stored = {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}
    save_file(stored, path, {"made_with": f"torch {torch.__version__}, float64"})
    print(path, losses, path.stat().st_size, "bytes")


def make_muon():
    """Three steps of torch.optim.Muon on matrices [out][in]: wide ones, as filters are, and a tall one."""
    # It rounds to bfloat16 for speed; here what it means counts.
    torch.bfloat16 = torch.float64
    settings = {"lr": 0.05, "weight_decay": 0.1, "momentum": 0.9}
    cases = []
    for rows, columns, nesterov in ((8, 36, True), (8, 27, False), (16, 8, True)):
        values = noise(f"muon {rows} {columns}", 4 * rows * columns).astype(np.float64) / 2**31 - 1
        matrices = torch.from_numpy(values.reshape(4, rows, columns))
        parameter = torch.nn.Parameter(matrices[0].clone())
        muon = torch.optim.Muon([parameter], nesterov=nesterov, **settings)
        for gradient in matrices[1:]:
            parameter.grad = gradient.clone()
            muon.step()
        trained = [round(x, 9) for x in parameter.detach().flatten().tolist()]
        cases.append({"out": rows, "in": columns, "nesterov": nesterov, "trained": trained})
    path = pathlib.Path(__file__).parent / "muon.json"
    made_with = f"torch {torch.__version__}, float64"
    path.write_text(json.dumps({"madeWith": made_with, "settings": settings, "cases": cases}) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for option in ("A", "B"):
        make(option)
    make_muon()
