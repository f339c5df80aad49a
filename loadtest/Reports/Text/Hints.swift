import Generator

/// What to do about an error, by the phase that met it and its name.
package enum Hints {
    /// One sentence without a full stop, at most 67 columns so that it fits below the error.
    package static func hint(for row: ErrorRow) -> String {
        table["\(row.phase.rawValue) \(row.errno)"] ?? table[row.errno] ?? fallback[row.phase] ?? ""
    }

    /// The exact pair is looked up first, then the error alone.
    private static let table: [String: String] = [
        "connect ECONNREFUSED": "nobody listens there: start the server, or check host and port",
        "connect ETIMEDOUT": "the target does not answer: a firewall, or its backlog is full",
        "connect timeout":
            "its backlog is full? raise it, or lower --connect-rate",
        "connect ECONNRESET": "the target refuses while it accepts: its own limit on connections?",
        "connect EADDRNOTAVAIL": "no free local port: fewer --conns, more --source, or --close rst",
        "socket EADDRINUSE": "a --source has no free port left: add more addresses",
        "socket EADDRNOTAVAIL": "a --source is no address of this machine",
        "connect EHOSTUNREACH": "no route to the host: check the address",
        "connect ENETUNREACH":
            "no route to the network: check the address",
        "connect EACCES": "not allowed: a broadcast address, or a firewall of this machine",
        "connect EPERM": "not allowed: a firewall of this machine",
        "socket EAFNOSUPPORT": "this machine has no such addresses; for IPv6, try an IPv4 target",
        "read ECONNRESET": "the server crashed, or closed with unread bytes",
        "read ETIMEDOUT": "the network lost the server",
        "read eof": "the server closed before it had answered: its log, its limits?",
        "read timeout": "the server is too slow or stuck: raise --timeout, or lower --conns",
        "read incomplete": "the server sent a part of an answer: is it slow, or losing bytes?",
        "read lost": "not answered: is the server's receive buffer full? lower the load",
        "read ECONNREFUSED": "nothing receives there: start the server, or check host and port",
        "write ECONNREFUSED": "nothing receives there: start the server, or check host and port",
        "write EAGAIN": "this machine sends no faster: lower --rate, or use more --conns",
        "write EMSGSIZE": "larger than a datagram to the target may be: lower --size",
        "write timeout": "the server has stopped reading: raise --timeout, or lower --conns",
        "write EPIPE": "the server closed while we were sending: its log, its limits?",
        "write ECONNRESET": "the server crashed, or closed with unread bytes",
        "verify mismatch": "the server sends back other bytes than it was sent: see below",
        "verify surplus": "the server sends back more bytes than it was sent: see below",
        "verify early": "the server sends bytes before they were sent to it: see below",
        "close no_eof": "the server did not close in time: it should when the client has",
        "close ECONNRESET": "the server broke a connection off that had all its answers",
        "EMFILE": "too few descriptors for a process: ulimit -n",
        "ENFILE": "too few descriptors for the machine: sysctl fs.file-max",
        "ENOBUFS": "the kernel is out of socket memory: use fewer --conns",
        "socket ENOMEM":
            "no memory for it: lower --conns, --max-outstanding or --pipeline",
        "ENOMEM": "the kernel is out of memory: use fewer --conns",
    ]

    private static let fallback: [ErrorRow.Phase: String] = [
        .socket: "this machine gives no socket: errno(3) says what the name means",
        .connect: "the target cannot be reached: errno(3) says what the name means",
        .write: "the connection broke while sending: see the server's log",
        .read: "the connection broke while receiving: see the server's log",
        .close: "the connection broke while closing: see the server's log",
        .verify: "the echo is not what was sent: see below",
    ]
}
