#!/usr/bin/env python3
"""The cases of gpu_bench with the libraries that others use: torch (cuSOLVER, cuBLAS), GPyTorch and BoTorch, in double precision.

    peers.py --engine cpu|cuda:0 [--seconds S] [--threads T] --serve     runs the cases named on standard input, one a line
    peers.py --engine cpu CASE...                           runs some of these
    peers.py --versions                                                  says what is installed

The data are gpu_bench's (bench/gpu/data.hpp): uniforms from splitmix64's mixing of seed * 2^32 + index. A case without a peer, or whose
library is missing, answers with "skipped" and the reason.
"""

import argparse
import json
import math
import re
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")
missing = []
try:
    import numpy
    import torch
except ImportError as error:
    numpy = torch = None
    missing.append(str(error))
try:
    import botorch  # first: it turns GPyTorch's iterative approximations off
    import gpytorch
except ImportError as error:
    botorch = gpytorch = None
    missing.append(str(error))

NOISE = 1e-2
LADDER = (4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 100, 150, 200)


# ------------------------------------------------------------------------------------------------------------------------------- data

def uniforms(seed, count):
    with numpy.errstate(over="ignore"):
        x = numpy.arange(count, dtype=numpy.uint64) + numpy.uint64((seed << 32) + 0x9E3779B97F4A7C15)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return ((x ^ (x >> numpy.uint64(31))) >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53


class Problem:
    def __init__(self, n, d, device):
        x = uniforms(1, n * d).reshape(n, d)
        y = sum(numpy.sin(4 * x[:, k] + k) / (k + 1) for k in range(d)) + 0.02 * math.sqrt(12) * (uniforms(2, n) - 0.5)
        y = (y - y.mean()) / y.std()
        self.n, self.d, self.device = n, d, device
        self.x = torch.tensor(x, device=device)
        self.y = torch.tensor(y, device=device)
        self.lengthscale = 0.2 * math.sqrt(d)

    def covariance(self, a, b):
        s = math.sqrt(5) * torch.cdist(a / self.lengthscale, b / self.lengthscale, compute_mode="donot_use_mm_for_euclid_dist")
        return (1 + s + s * s / 3) * torch.exp(-s)

    def gram(self):
        out = self.covariance(self.x, self.x)
        out.diagonal().add_(NOISE)
        return out

    def moments(self):
        """Mean and outputscale in closed form, as warpbo takes them (inverse gamma of shape 1 and rate 2 on the outputscale)."""
        factor = torch.linalg.cholesky(self.gram())
        right = torch.stack([self.y, torch.ones_like(self.y)], dim=1)
        solved = torch.cholesky_solve(right, factor)
        products = right.T @ solved
        mean = products[0, 1] / products[1, 1]
        return mean.item(), ((products[0, 0] - products[0, 1] * mean).item() + 4) / (self.n + 4)

    def model(self, mean=0.0, outputscale=1.0, batch=()):
        """SingleTaskGP with a Matern-5/2 kernel at the problem's hyperparameters."""
        from gpytorch.kernels import MaternKernel, ScaleKernel
        from gpytorch.likelihoods import GaussianLikelihood
        from gpytorch.priors import LogNormalPrior
        shape = torch.Size(batch)
        prior = LogNormalPrior(math.sqrt(2) + 0.5 * math.log(self.d), math.sqrt(3))
        kernel = ScaleKernel(MaternKernel(nu=2.5, ard_num_dims=self.d, batch_shape=shape, lengthscale_prior=prior), batch_shape=shape)
        likelihood = GaussianLikelihood(noise_prior=LogNormalPrior(-4.0, 1.0), batch_shape=shape,
                                        noise_constraint=gpytorch.constraints.GreaterThan(1e-7))
        x, y = self.x.expand(*shape, *self.x.shape), self.y.unsqueeze(-1).expand(*shape, self.n, 1)
        model = botorch.models.SingleTaskGP(x, y, likelihood=likelihood, covar_module=kernel, outcome_transform=None).to(self.x)
        model.covar_module.base_kernel.lengthscale = self.lengthscale
        model.covar_module.outputscale = outputscale
        model.mean_module.initialize(constant=mean)
        model.likelihood.noise = NOISE * outputscale
        return model

    def fitted(self):
        model = self.model(*self.moments())
        model.eval()
        return model


# ----------------------------------------------------------------------------------------------------------------------------- timing

class Clock:
    """gpu_bench's way of timing: warm up, queue several short calls before one wait, take medians."""

    def __init__(self, device, seconds):
        self.device, self.seconds = device, seconds

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def sample(self, call, queued=1, prepare=None):
        if prepare:
            prepare()
        self.wait()
        start = time.perf_counter()
        for _ in range(queued):
            call()
        self.wait()
        return (time.perf_counter() - start) / queued

    def samples(self, call, seconds, enough, queued=1, prepare=None):
        out, start = [], time.perf_counter()
        while not out or (len(out) < enough and time.perf_counter() - start < seconds):
            out.append(self.sample(call, queued, prepare))
        return out

    def measure(self, call, queue=64, prepare=None):
        self.sample(call, 1, prepare)
        once = self.sample(call, 1, prepare)
        if once < 0.1 * self.seconds:
            once = statistics.median(self.samples(call, 0.2 * self.seconds, 20, 1, prepare))
        queued = 1 if once > 1e-3 or prepare else max(1, min(queue, math.ceil(2e-3 / once)))
        times = self.samples(call, self.seconds, 50, queued, prepare)
        return {"seconds": statistics.median(times), "least": min(times), "latency": once, "samples": len(times), "queued": queued}


def deviation(a, b):
    worst = ((a - b).abs().max() / b.abs().max()).item()
    return worst if math.isfinite(worst) else None


# ------------------------------------------------------------------------------------------------------------------------------ cases

def copy(clock, device):
    n = 1 << (14 if device.type == "cuda" else 12)
    a, b = torch.rand(n, n, dtype=torch.float64, device=device), torch.empty(n, n, dtype=torch.float64, device=device)
    out = clock.measure(lambda: b.copy_(a))
    return out | {"rate": 16 * n * n / out["seconds"]}


def product(clock, device, n):
    a, b = (torch.randn(n, n, dtype=torch.float64, device=device) for _ in range(2))
    c = torch.empty_like(a)
    out = clock.measure(lambda: torch.mm(a, b, out=c))
    return out | {"rate": 2 * n**3 / out["seconds"]}


def kernel_build(clock, device, n, d):
    problem = Problem(n, d, device)
    kernel = gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=d).to(problem.x)
    kernel.lengthscale = problem.lengthscale
    with torch.no_grad():
        call = lambda: kernel(problem.x).to_dense()
        rows = call()[:4]
        return {"deviation": deviation(rows, problem.covariance(problem.x[:4], problem.x)), **clock.measure(call)}


def cholesky(clock, device, n):
    problem = Problem(n, 10, device)
    matrix = problem.gram()
    factor, info = torch.linalg.cholesky_ex(matrix)
    z = torch.randn(n, 4, dtype=torch.float64, device=device)
    off = deviation(factor @ (factor.T @ z), matrix @ z) if info.item() == 0 else None
    return {"deviation": off, **clock.measure(lambda: torch.linalg.cholesky_ex(matrix, out=(factor, info)))}


def cholesky_batch(clock, device, n, batch):
    problem = Problem(n, 10, device)
    noise = NOISE * (1 + 0.1 * torch.rand(batch, 1, dtype=torch.float64, device=device))
    matrices = problem.gram().expand(batch, n, n).clone()
    matrices.diagonal(dim1=1, dim2=2).add_(noise)
    factor, info = torch.linalg.cholesky_ex(matrices)
    return {"deviation": deviation(factor @ factor.mT, matrices) if not info.any() else None,
            **clock.measure(lambda: torch.linalg.cholesky_ex(matrices, out=(factor, info)))}


def marginal(model):
    return gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model)


def likelihood(clock, device, n, d, batch=()):
    problem = Problem(n, d, device)
    model = problem.model(batch=batch)
    model.train()
    objective = marginal(model)

    def call():
        model.zero_grad(set_to_none=True)
        loss = -objective(model(*model.train_inputs), model.train_targets).sum()
        loss.backward()
        return loss

    value = call().item()
    return {"value": value, "deviation": 0.0 if math.isfinite(value) else None, **clock.measure(call)}


def log_marginal(model):
    """Without priors, in nats: comparable between libraries."""
    model.train()
    with torch.no_grad():
        return model.likelihood(model(*model.train_inputs)).log_prob(model.train_targets).item()


def fit(clock, device, n, warm):
    problem = Problem(n, 10, device)
    start = None
    if warm:
        before = Problem(n * 9 // 10, 10, device).model()
        botorch.fit_gpytorch_mll(marginal(before))
        start = {name: value for name, value in before.state_dict().items()}
    models = []

    def call():
        model = problem.model()
        if start:
            model.load_state_dict(start)
        botorch.fit_gpytorch_mll(marginal(model))
        models[:] = [model]

    return {**clock.measure(call, queue=1), "lml": log_marginal(models[0])}


def posterior(clock, device, n, m):
    problem = Problem(n, 10, device)
    model = problem.fitted()
    queries = torch.tensor(uniforms(4, m * 10).reshape(m, 10), device=device)

    def call():
        with torch.no_grad():
            for chunk in queries.split(2048):
                moments = model.posterior(chunk)
                moments.mean, moments.variance  # noqa: B018  (lazy until read)

    return clock.measure(call)


def tell(clock, device, n, b):
    problem = Problem(n + b, 10, device)
    base = Problem(n, 10, device).fitted()
    x, y = problem.x[n:], problem.y[n:].unsqueeze(-1)
    with torch.no_grad():
        base.posterior(x[:1]).variance  # noqa: B018  (fills the caches that conditioning extends)
        return clock.measure(lambda: base.condition_on_observations(x, y))


def starts(problem, acquisition, count):
    raw = max(512, 2 * count)
    rows = torch.tensor(uniforms(6, raw * problem.d).reshape(raw, 1, problem.d), device=problem.device)
    with torch.no_grad():
        values = torch.cat([acquisition(chunk) for chunk in rows.split(512)])
    return rows[values.topk(count).indices]


def acq_max(clock, device, n, R):
    from botorch.acquisition.analytic import LogExpectedImprovement
    problem = Problem(n, 10, device)
    acquisition = LogExpectedImprovement(problem.fitted(), best_f=problem.y.min(), maximize=False)
    begin = starts(problem, acquisition, R)
    bounds = torch.tensor([[0.0] * 10, [1.0] * 10], dtype=torch.float64, device=device)

    def climb(rounds):
        return botorch.optim.optimize_acqf(acquisition, bounds, q=1, num_restarts=R, batch_initial_conditions=begin,
                                           options={"maxiter": rounds, "batch_limit": min(R, 512)})[1].max().item()

    best, rounds = climb(300), 300
    for tried in LADDER:
        if climb(tried) >= best + math.log(0.999):
            rounds = tried
            break
    return {**clock.measure(lambda: climb(rounds), queue=1), "rounds": rounds, "value": climb(rounds), "best": best}


def ask(clock, device, n):
    """One iteration as BoTorch's tutorials write it: a model fitted from nothing, then LogEI from 20 starts of 512 points."""
    from botorch.acquisition.analytic import LogExpectedImprovement
    problem = Problem(n, 10, device)
    bounds = torch.tensor([[0.0] * 10, [1.0] * 10], dtype=torch.float64, device=device)

    def call():
        model = botorch.models.SingleTaskGP(problem.x, problem.y.unsqueeze(-1))
        botorch.fit_gpytorch_mll(marginal(model))
        acquisition = LogExpectedImprovement(model, best_f=problem.y.min(), maximize=False)
        botorch.optim.optimize_acqf(acquisition, bounds, q=1, num_restarts=20, raw_samples=512)

    return clock.measure(call, queue=1)


def sobol(clock, device, m, d):
    engine = torch.quasirandom.SobolEngine(d, scramble=True, seed=9)
    return clock.measure(lambda: engine.draw(m, dtype=torch.float64).to(device))


def normals(clock, device, m, d):
    out = torch.empty(m, d, dtype=torch.float64, device=device)
    return clock.measure(lambda: out.normal_())


def select_top(clock, device, m, count):
    values = torch.tensor(uniforms(8, m), device=device)
    return clock.measure(lambda: values.topk(count))


def find(name):
    """The function and its arguments for a case's name, or None."""
    group, *rest = name.split("/")
    if group == "calibrate":
        return {"copy": lambda c, v: copy(c, v), "product": lambda c, v: product(c, v, int(rest[1][2:]))}.get(rest[0])
    values = {key: int(value) for key, value in (part.split("=") for part in rest if "=" in part)}
    if group == "likelihood_batch":
        return lambda c, v: likelihood(c, v, values["n"], 10, (values["batch"],))
    if group == "fit":
        return lambda c, v: fit(c, v, values["n"], rest[1] == "warm")
    if group == "ask":
        return (lambda c, v: ask(c, v, values["n"])) if values["q"] == 1 else None
    table = {"kernel_build": kernel_build, "cholesky": cholesky, "cholesky_batch": cholesky_batch, "likelihood": likelihood,
             "posterior": posterior, "tell": tell, "acq_max": acq_max, "sobol": sobol, "normals": normals, "select_top": select_top}
    return (lambda c, v: table[group](c, v, **values)) if group in table else None


NEEDS_TORCH_ALONE = re.compile("calibrate|cholesky|sobol|normals|select_top")


def measured(name, options):
    record = {"case": name, "engine": f"peer {options.engine}"}
    work = find(name)
    if work is None:
        return record | {"skipped": "has no peer"}
    if torch is None or (gpytorch is None and not NEEDS_TORCH_ALONE.match(name)):
        return record | {"skipped": f"not installed: {'; '.join(missing)}"}
    device = torch.device(options.engine)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    try:
        record |= work(Clock(device, options.seconds), device)
    except Exception as error:  # a peer that fails is a result, not the end of the run
        record["error"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
    if device.type == "cuda":
        record["memory"] = torch.cuda.max_memory_reserved(device)
        torch.cuda.empty_cache()
    return record


def versions():
    out = {"python": sys.version.split()[0], "missing": missing}
    for module in (numpy, torch, gpytorch, botorch):
        if module is not None:
            out[module.__name__] = module.__version__
    if torch is not None:
        out |= {"cuda": torch.version.cuda, "threads": torch.get_num_threads(), "cuda_available": torch.cuda.is_available()}
    return out


def main():
    parser = argparse.ArgumentParser(description="The cases of gpu_bench with torch, GPyTorch and BoTorch.")
    parser.add_argument("--engine", default="cpu")
    parser.add_argument("--seconds", type=float, default=1.0, help="spent on a case's samples")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 leaves its choice")
    parser.add_argument("--versions", action="store_true")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    if torch is not None:
        torch.manual_seed(1)
        if options.threads:
            torch.set_num_threads(options.threads)
        if torch.cuda.is_available():
            torch.backends.cuda.preferred_linalg_library("cusolver")
    if options.versions:
        print(json.dumps(versions()))
        return
    for name in (line.strip() for line in sys.stdin) if options.serve else options.cases:
        print(json.dumps(measured(name, options)), flush=True)


if __name__ == "__main__":
    main()
