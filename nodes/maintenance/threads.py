"""Blocking calls beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from nodes.bridge import on_loop

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """The result of a blocking call. Its thread does not keep a process alive that ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            failure = error
            on_loop(loop, lambda: None if done.done() else done.set_exception(failure))
        else:
            on_loop(loop, lambda: None if done.done() else done.set_result(result))

    threading.Thread(target=work, name="maintenance", daemon=True).start()
    return await done
