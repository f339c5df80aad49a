import Glibc
import NIOCore
import NIOPosix

// The echo service over SwiftNIO's async channels: a task for each connection.
//
//     nio-async PORT

guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
    print("usage: nio-async PORT")
    exit(64)
}

func echo(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
    do {
        try await connection.executeThenClose { inbound, outbound in
            for try await bytes in inbound {
                try await outbound.write(bytes)
            }
            // Closing drops what is not yet written, so an empty write goes ahead of it.
            try await connection.channel.writeAndFlush(ByteBuffer())
        }
    } catch {
        // The client is gone; the other connections go on.
    }
}

let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
    .serverChannelOption(.backlog, value: 1024)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelOption(.allowRemoteHalfClosure, value: true)
    .bind(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
    }
try await withThrowingDiscardingTaskGroup { connections in
    try await server.executeThenClose { accepted in
        for try await connection in accepted {
            connections.addTask { await echo(connection) }
        }
    }
}
