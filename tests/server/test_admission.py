"""A bounded queue before the workers."""

import asyncio
import threading

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from mask2face.server.admission import Workers


def request(left=False):
    async def receive():
        if not left:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_work_is_done_and_errors_come_back():
    workers = Workers(1, 0)

    async def run():
        assert await workers.do(request(), lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await workers.do(request(), lambda: 1 // 0)

    asyncio.run(run())
    workers.close()
    assert workers.inside == 0


def test_what_does_not_fit_is_refused():
    workers, go_on = Workers(1, 1), threading.Event()

    async def run():
        inside = [asyncio.create_task(workers.do(request(), go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        assert workers.inside == 2
        with pytest.raises(HTTPException) as caught:
            await workers.do(request(), lambda: 7)
        go_on.set()
        assert await asyncio.gather(*inside) == [True, True]
        return caught.value

    error = asyncio.run(run())
    workers.close()
    assert error.status_code == 503
    assert int(error.headers["Retry-After"]) >= 1


def test_a_client_that_left_is_not_worked_for():
    workers, go_on, done = Workers(1, 1), threading.Event(), []

    async def run():
        first = asyncio.create_task(workers.do(request(), go_on.wait))
        await asyncio.sleep(0)
        with pytest.raises(ClientDisconnect):
            await workers.do(request(left=True), lambda: done.append(1))
        go_on.set()
        await first

    asyncio.run(run())
    workers.close()
    assert not done
    assert workers.inside == 0
