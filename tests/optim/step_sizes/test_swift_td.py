"""SwiftTD beside a transcription of its algorithm, written feature by feature."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from plastic_rl.optim.step_sizes import SwiftTD


class Transcription:
    """The algorithm in plain numbers: one feature after the other."""

    def __init__(self, n, *, alpha, theta, gamma, lam, eta, eta_min, decay):
        self.w, self.h, self.h_old, self.h_tmp = ([0.0] * n for _ in range(4))
        self.z, self.z_delta, self.p, self.z_bar = ([0.0] * n for _ in range(4))
        self.beta = [math.log(alpha)] * n
        self.v_delta = self.v_old = 0.0
        self.met = set()  # which limits came into play
        self.theta, self.gamma, self.lam, self.eta, self.eta_min, self.decay = theta, gamma, lam, eta, eta_min, decay

    def step(self, x, r):
        n = range(len(x))
        v = sum(self.w[i] * x[i] for i in n)
        d = r + self.gamma * v - self.v_old
        change = [0.0] * len(x)
        for i in n:
            change[i] = d * self.z[i] - self.z_delta[i] * self.v_delta
            self.w[i] += change[i]
            self.beta[i] += self.theta / math.exp(self.beta[i]) * (d - self.v_delta) * self.p[i]
            self.met |= {"least"} if self.beta[i] < math.log(self.eta_min) else set()
            self.beta[i] = min(max(self.beta[i], math.log(self.eta_min)), math.log(self.eta))
            self.h_old[i] = self.h[i]
            self.h[i] = self.h_tmp[i] + d * self.z_bar[i] - self.z_delta[i] * self.v_delta
            self.h_tmp[i] = self.h[i]
            self.z_delta[i] = 0.0
            self.z[i] *= self.gamma * self.lam
            self.p[i] *= self.gamma * self.lam
            self.z_bar[i] *= self.gamma * self.lam
        tau = sum(math.exp(self.beta[i]) * x[i] ** 2 for i in n)
        b = sum(self.z[i] * x[i] for i in n)
        self.v_delta = sum(change[i] * x[i] for i in n)
        for i in n:
            self.z_delta[i] = min(1, self.eta / tau if tau else 1) * math.exp(self.beta[i]) * x[i]
            self.z[i] += self.z_delta[i] * (1 - b)
            self.p[i] += self.h_old[i] * x[i]
            self.z_bar[i] += self.z_delta[i] * (1 - b - self.z_bar[i] * x[i])
            self.h_tmp[i] = (
                self.h[i] - self.h_old[i] * x[i] * (self.z[i] - self.z_delta[i]) - self.h[i] * self.z_delta[i] * x[i]
            )
            if tau > self.eta:
                self.met.add("bound")
                self.h_tmp[i] = self.h[i] = self.h_old[i] = self.z_bar[i] = 0.0
                self.beta[i] += math.log(self.decay) * x[i] ** 2
        self.v_old = v
        return d

    def end(self):
        for each in (self.z, self.z_delta, self.p, self.z_bar):
            each[:] = [0.0] * len(each)
        self.v_delta = self.v_old = 0.0


SETTINGS = {
    "within the bound": {"alpha": 0.01, "eta": 0.5, "theta": 1e-3},
    "at the bound": {"alpha": 0.05, "eta": 0.1, "theta": 1e-2},
    "at the least": {"alpha": 2e-3, "eta": 0.5, "theta": 0.05},
}


MEETS = {"within the bound": set(), "at the bound": {"bound"}, "at the least": {"bound", "least"}}


@pytest.mark.parametrize("name", SETTINGS)
def test_it_is_the_algorithm_on_a_random_stream_with_episodes(name):
    alpha, eta, theta = (SETTINGS[name][key] for key in ("alpha", "eta", "theta"))
    written = Transcription(5, alpha=alpha, theta=theta, gamma=0.9, lam=0.8, eta=eta, eta_min=1e-3, decay=0.99)
    weight = nn.Parameter(torch.zeros(5, dtype=torch.float64))
    optimizer = SwiftTD(
        [weight], lr=alpha, meta_step=theta, discount=0.9, trace_decay=0.8, bound=eta, least=1e-3, decay=0.99
    )
    draws, before = np.random.default_rng(0), 0.0
    for step in range(120):
        ends = step % 40 == 39
        features = np.zeros(5) if ends else draws.normal(size=5) * (draws.random(5) < 0.6)
        reward = float(draws.normal() + features[0])
        expected = written.step(features.tolist(), reward)
        value = (weight * torch.from_numpy(features)).sum()
        optimizer.zero_grad()
        value.backward()
        error = reward + 0.9 * value.item() - before
        assert error == pytest.approx(expected, abs=1e-9)
        optimizer.observe(error, ends_episode=ends)
        optimizer.step()
        before = 0.0 if ends else value.item()
        if ends:
            written.end()
        assert weight.tolist() == pytest.approx(written.w, abs=1e-6, rel=1e-6)
        assert optimizer.step_sizes()[0].log().tolist() == pytest.approx(written.beta, abs=1e-6)
    spread = optimizer.step_sizes()[0]
    assert spread.max() > 1.01 * spread.min()  # something was learned
    assert written.met == MEETS[name]


def test_settings_out_of_range_are_refused():
    for settings in ({"least": 0.0}, {"least": 0.2, "bound": 0.1}, {"decay": 0.0}, {"trace_decay": 2.0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            SwiftTD([nn.Parameter(torch.zeros(1))], **settings)
