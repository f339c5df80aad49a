import FlyingSocks
import Foundation
import Glibc

// The echo service over FlyingSocks: a task for each connection, one pool that waits for all.
//
//     flying-socks PORT

guard CommandLine.arguments.count == 2, let port = UInt16(CommandLine.arguments[1]) else {
    print("usage: flying-socks PORT")
    exit(64)
}

@Sendable func echo(_ connection: AsyncSocket) async {
    do {
        // More than 4096 bytes are never read at once, whatever is asked for.
        while true { try await connection.write(Data(connection.read(atMost: 4096))) }
    } catch {
        // The client has finished or is gone: both are thrown.
    }
    // The descriptor is released even when the kernel reports an error of the connection.
    try? connection.close()
}

let socket = try Socket(domain: AF_INET, type: .stream)
try socket.setValue(true, for: .localAddressReuse)
try socket.bind(to: .inet(ip4: "127.0.0.1", port: port))
try socket.listen()

let pool = SocketPool.make()
try await pool.prepare()
let listener = try AsyncSocket(socket: socket, pool: pool)
try await withThrowingDiscardingTaskGroup { group in
    group.addTask { try await pool.run() }
    for try await connection in listener.sockets {
        group.addTask { await echo(connection) }
    }
}
