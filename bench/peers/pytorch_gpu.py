"""A peer for the benchmark: PyTorch training or evaluating a CIFAR ResNet on a CUDA GPU.

usage: python3 pytorch_gpu.py                      jobs, one line of JSON each, on standard input
       python3 pytorch_gpu.py ARCH train|infer BATCH LAYOUT PRECISION eager|compile|graphs
       python3 pytorch_gpu.py facts

LAYOUT is contiguous or channels_last. PRECISION is float32 (exact), tf32 (convolutions through the
tensor cores, which is how PyTorch comes), amp (float16 autocast and a gradient scaler, float32
weights) or half (everything float16, as the original notebook's --half). compile is torch.compile,
graphs the same with CUDA graphs (mode="reduce-overhead").

Images lie on the GPU, normalised, and there is no augmentation: less work than the program beside it
does, so the comparison errs in PyTorch's favour. Tuned as far as settings go: cudnn.benchmark, foreach
SGD, in-place ReLU, no synchronisation within a turn; batch norm folded for inference.

With a job on the command line it speaks the protocol of ../serve.ts: after the first step one line of
JSON, then for each line with a number of seconds about that long of steps and a line with the rate.
A job on standard input is {"arch", "mode", "batch", "layout", "precision", "engine", "seconds",
"turns"}; the answer is {"images_per_second": [one a turn], "peak_bytes", "first_step_seconds"} or
{"error"}.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

from pytorch import ResNet

WARM_UP = 3
# Seconds: an idle GPU has lowered its clocks.
WARM_UP_SECONDS = 1


def set_precision(precision):
    exact = precision == "float32"
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = not exact
    torch.backends.cuda.matmul.allow_tf32 = not exact


def prepare(arch, mode, batch, layout, precision, engine):
    """A function that does one step, without waiting for the GPU."""
    set_precision(precision)
    torch.manual_seed(1)
    kind = torch.float16 if precision == "half" else torch.float32
    memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = ResNet(int(arch.removeprefix("resnet"))).train(mode == "train")
    if mode == "infer":
        net.fold()
    net = net.to("cuda", kind).to(memory_format=memory_format)
    images = torch.randn(batch, 3, 32, 32).to("cuda", kind).to(memory_format=memory_format)
    labels = torch.randint(0, 10, (batch,)).to("cuda")
    amp = precision == "amp"
    forward = net
    if engine != "eager":
        forward = torch.compile(net, mode="reduce-overhead" if engine == "graphs" else "default")

    def logits():
        with torch.autocast("cuda", torch.float16, enabled=amp):
            return forward(images)

    if mode == "infer":

        def infer():
            with torch.inference_mode():
                logits()

        return infer
    sgd = torch.optim.SGD(net.parameters(), 0.01, 0.9, weight_decay=1e-4, foreach=True)
    if hasattr(torch.amp, "GradScaler"):
        scaler = torch.amp.GradScaler("cuda", enabled=amp)
    else:  # before 2.3
        scaler = torch.cuda.amp.GradScaler(enabled=amp)

    def train():
        sgd.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.float16, enabled=amp):
            loss = F.cross_entropy(forward(images), labels)
        scaler.scale(loss).backward()
        scaler.step(sgd)
        scaler.update()

    return train


def timed(step, seconds):
    """Seconds and steps of about that long, the GPU's work included."""
    torch.cuda.synchronize()
    start, steps, together = time.perf_counter(), 0, 1
    while steps == 0 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        for _ in range(together):
            step()
        torch.cuda.synchronize()
        steps += together
        # Waiting costs the overlap of host and GPU: seldom, once it is known how long steps take.
        each = (time.perf_counter() - before) / together
        together = max(1, min(200, int(seconds / 4 / each)))
    return time.perf_counter() - start, steps


def first_step(step):
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    first = time.perf_counter() - start
    for _ in range(WARM_UP):
        step()
    return first


def measure(job):
    torch.cuda.reset_peak_memory_stats()
    names = ("arch", "mode", "batch", "layout", "precision", "engine")
    step = prepare(*(job[name] for name in names))
    first = first_step(step)
    timed(step, min(WARM_UP_SECONDS, 3 * job["turns"] * job["seconds"]))
    rates = []
    for _ in range(job["turns"]):
        elapsed, steps = timed(step, job["seconds"])
        rates.append(steps * job["batch"] / elapsed)
    return {
        "images_per_second": rates,
        "peak_bytes": torch.cuda.max_memory_allocated(),
        "first_step_seconds": first,
    }


def say(value):
    print(json.dumps(value), flush=True)


def facts():
    there = torch.cuda.is_available()
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda if there else None,
        "cudnn": str(torch.backends.cudnn.version()) if there else None,
        "gpu": torch.cuda.get_device_name() if there else None,
    }


def serve_jobs():
    say(facts())
    for line in sys.stdin:
        try:
            say(measure(json.loads(line)))
        except Exception as error:  # out of memory, no compiler: the next job may do
            lines = str(error).strip().splitlines() or [type(error).__name__]
            say({"error": lines[0][:300]})
        torch.compiler.reset()
        torch.cuda.empty_cache()


def serve_turns(arch, mode, batch, layout, precision, engine):
    batch = int(batch)
    step = prepare(arch, mode, batch, layout, precision, engine)
    first_step(step)
    say({"peer": "PyTorch " + torch.__version__.split("+")[0], "batch": batch})
    for line in sys.stdin:
        busy = time.process_time()
        elapsed, steps = timed(step, float(line))
        say(
            {
                "images_per_second": steps * batch / elapsed,
                "images_per_cpu_second": steps * batch / (time.process_time() - busy),
                "peak_bytes": torch.cuda.max_memory_allocated(),
            }
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["facts"]:
        say(facts())
    elif len(sys.argv) == 1:
        serve_jobs()
    else:
        serve_turns(*sys.argv[1:])
