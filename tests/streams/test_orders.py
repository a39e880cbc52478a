"""The orders in which tasks come."""

import pytest

from plastic_rl.streams.orders import ORDERS, PUBLISHED, task_order


def test_published_orders_are_those_of_the_released_code():
    assert task_order("A", 10) == tuple(range(10))
    assert task_order("B", 10) == (1, 7, 4, 5, 2, 0, 8, 6, 9, 3)
    assert task_order("E", 20) == (6, 14, 0, 11, 12, 17, 13, 4, 9, 1, 7, 19, 8, 10, 3, 15, 18, 5, 2, 16)


@pytest.mark.parametrize("tasks", [*PUBLISHED, 5, 100])
def test_every_order_has_every_task_once_and_no_two_are_alike(tasks):
    orders = [task_order(name, tasks) for name in ORDERS]
    assert all(sorted(order) == list(range(tasks)) for order in orders)
    assert len(set(orders)) == len(ORDERS)
    assert orders == [task_order(name, tasks) for name in ORDERS]


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="order must be one of A, B, C, D, E, got 'F'"):
        task_order("F", 10)
