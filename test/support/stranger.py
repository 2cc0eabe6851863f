"""Somebody on the network of a run who is none of its ranks.

    stranger.py record INTERFACE PORT FILE        keeps what is sent to a TCP port, until it is ended
    stranger.py disturb ADDRESS PORT FILE OTHER   connects to rank 0 in every way that does not help it, until it is ended;
                                                  OTHER is an address of rank 0's host where it must not listen

`disturb` prints `ready` once it has done everything once, and at its end how often it was let in and turned away, as JSON.
"""

import json
import os
import signal
import socket
import struct
import sys
import time

MARK, HELLO, PROOF = 0x314B4643, 1, 3
STALLED = 150


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack("<IIIIQ", MARK, kind, 0, 0, len(payload)) + payload


def record(interface: str, port: int, path: str) -> None:
    every_packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0003))
    every_packet.bind((interface, 0))
    print("ready", flush=True)
    with open(path, "wb", buffering=0) as file:
        while True:
            packet = every_packet.recv(1 << 17)
            if packet[12:14] != b"\x08\x00" or packet[23] != 6:
                continue
            ip = packet[14:]
            length = struct.unpack(">H", ip[2:4])[0]
            tcp = ip[(ip[0] & 15) * 4 : length]
            if struct.unpack(">H", tcp[2:4])[0] == port:
                file.write(tcp[(tcp[12] >> 4) * 4 :])


class Stranger:
    def __init__(self, address: str, port: int, recording: bytes, other: str) -> None:
        self.address, self.port, self.recording, self.other = address, port, recording, other
        self.held: list[socket.socket] = []
        self.counts = {"connected": 0, "refused": 0, "challenged": 0, "believed": 0, "elsewhere": 0}

    def connect(self) -> socket.socket | None:
        try:
            connection = socket.create_connection((self.address, self.port), timeout=2)
        except OSError:
            self.counts["refused"] += 1
            return None
        self.counts["connected"] += 1
        return connection

    def send(self, payload: bytes, hold: bool) -> None:
        connection = self.connect()
        if connection is None:
            return
        try:
            connection.sendall(payload)
        except OSError:
            pass
        if hold:
            self.held = [*self.held[-STALLED:], connection]
        else:
            connection.close()

    def claim(self, rank: int) -> None:
        """A greeting as good as a rank's, and a proof that is none."""
        connection = self.connect()
        if connection is None:
            return
        job = f"{self.address}:{self.port} "
        text = "\n".join(["2", "2", str(rank), "any program", "elsewhere", job, "", ""])
        try:
            connection.sendall(frame(HELLO, os.urandom(32) + text.encode()))
            challenge = connection.recv(4096)
            if len(challenge) == 56:
                self.counts["challenged"] += 1
                connection.sendall(frame(PROOF, os.urandom(32)))
                answer = connection.recv(4096)
                # Known is frame 4.
                self.counts["believed"] += int(len(answer) >= 24 and answer[4] == 4)
        except OSError:
            pass
        connection.close()

    def look_elsewhere(self) -> None:
        try:
            socket.create_connection((self.other, self.port), timeout=0.2).close()
            self.counts["elsewhere"] += 1
        except OSError:
            pass

    def everything(self) -> None:
        self.send(b"", hold=True)
        self.send(b"GET / HTTP/1.1\r\n\r\n", hold=False)
        self.send(os.urandom(100_000), hold=False)
        self.send(self.recording, hold=True)
        self.send(self.recording[:40], hold=True)
        for rank in (0, 1, 7):
            self.claim(rank)
        self.look_elsewhere()


def disturb(address: str, port: int, path: str, other: str) -> None:
    with open(path, "rb") as file:
        stranger = Stranger(address, port, file.read(), other)

    def end(*_: object) -> None:
        print(json.dumps(stranger.counts), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while (first := stranger.connect()) is None:
        time.sleep(0.02)
    stranger.held.append(first)
    stranger.everything()
    for _ in range(STALLED):
        stranger.send(b"", hold=True)
    print("ready", flush=True)
    while True:
        stranger.everything()
        time.sleep(0.05)


if __name__ == "__main__":
    mode, where, port, *rest = sys.argv[1:]
    record(where, int(port), *rest) if mode == "record" else disturb(where, int(port), *rest)
