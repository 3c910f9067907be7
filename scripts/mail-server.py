"""A real mail server for tests: aiosmtpd with STARTTLS and AUTH, on a port of its own.

    mail-server.py CERTIFICATE KEY USER PASSWORD

Prints `port N`, then each mail that it takes as one line of JSON: {"to": [...], "text": "..."}. What an
address begins with says what becomes of mail to it: `refused` is refused, `tempfail` is put off, `slow`
never ends. It ends with its standard input.
"""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("tempfail"):
            return "451 4.3.0 come back later"
        if address.startswith("slow"):
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        line = {
            "to": envelope.rcpt_tos,
            "from": str(mail["from"]),
            "subject": str(mail["subject"]),
            "auto": str(mail["auto-submitted"]),
            "text": mail.get_content(),
            "tls": session.ssl is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        print(json.dumps(line), flush=True)
        return "250 taken"


async def main(certificate, key, user, password):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)

    def known(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and (
            data.login == user.encode() and data.password == password.encode()
        )
        return AuthResult(success=right, handled=False, auth_data=data)

    def connection():
        return SMTP(
            Handler(),
            tls_context=tls,
            require_starttls=True,
            authenticator=known,
            auth_required=True,
            loop=loop,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    # Whoever started it has gone.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    # Connections that never end must not keep the process.
    sys.stdout.flush()
