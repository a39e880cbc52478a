"""What every test stands on."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread_for_each_worker():
    torch.set_num_threads(1)
