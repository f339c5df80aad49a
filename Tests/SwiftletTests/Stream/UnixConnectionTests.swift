import Glibc
import Synchronization
import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Streams over Unix sockets: the same handlers, other addresses.
@Suite(.serialized) struct UnixConnectionTests {
    @Test(arguments: Ground.all, [true, false])
    func `a server on a Unix name serves unchanged handlers`(
        ground: Ground, isPath: Bool
    ) async throws {
        let address = try freshUnixAddress(isPath: isPath)
        try await ground.run {
            let server = try await withServer(on: address, handler: echoBack) { server in
                try #require(server.address == address)
                try await Connection.connect(to: "\(address)") { connection in
                    try #require(connection.remoteAddress == address)
                    try await connection.write("over a Unix socket\n")
                    try #require(try await connection.readLine() == "over a Unix socket")
                    try await connection.closeWrite()
                    try #require(try await connection.read() == nil)
                }
            }
            try #require(server.statistics.accepted == 1)
            // The file went with the listener.
            let error = await ioError { try await Connection.connect(to: address) }
            let reason = isPath ? Errno.noEntry : .connectionRefused
            try #require(error == IOError(.connect, .system(reason)))
            try #require(error?.address == address)
        }
    }

    @Test(arguments: Ground.all)
    func `a pair is two connections without an address`(ground: Ground) async throws {
        let message = pattern(300_000)
        try await ground.run(seeds: 0..<5) { openSockets in
            do {
                let (one, other) = try await Connection.pair()
                try #require(one.remoteAddress.description == "unix:")
                try spawn { try await echoBack(other) }
                async let echoed = one.read(exactly: message.count)
                try await one.write(message)
                try #require(try await echoed == message)
                try #require(try await one.peerCredentials == other.peerCredentials)
                one.close()
                other.close()
            }
            try #require(openSockets() == 0)
        }
    }

    @Test(arguments: Ground.all)
    func `a second server on a path is refused, and the first one goes on`(
        ground: Ground
    ) async throws {
        let address = try freshUnixAddress(isPath: true)
        try await ground.run {
            try await withServer(on: address, handler: echoBack) { _ in
                let error = await ioError { try await Listener.bind(to: address) }
                try #require(error == IOError(.bind, .system(.addressInUse)))
                try await Connection.connect(to: address) { connection in
                    try await connection.write("x")
                    try #require(try await connection.read(exactly: 1) == [120])
                }
            }
        }
    }

    @Test(arguments: Ground.all)
    func `the path that a client connects from is free again`(ground: Ground) async throws {
        let (address, local) = (
            try freshUnixAddress(isPath: true), try freshUnixAddress(isPath: true)
        )
        try await ground.run(seeds: 0..<5) {
            try await withServer(on: address, handler: echoBack) { _ in
                for _ in 0..<2 {
                    let connection = try await Connection.connect(to: address, from: local)
                    try #require(try await connection.localAddress == local)
                    connection.close()
                }
            }
        }
    }

    /// The kernel ends a read where a descriptor was sent along, though there is more.
    @Test(arguments: DriverKind.usable)
    func `what comes behind a descriptor that was sent along is read`(
        driver: DriverKind
    ) async throws {
        try await onLoop(driver) {
            let (near, far) = try await Connection.pair()
            let reading = try spawn { () async throws -> String in
                var text = ""
                while text.count < 2, let bytes = try await near.read() {
                    text += String(decoding: bytes)
                }
                return text
            }
            try await settle()
            try send("a", along: far.socket.descriptor, to: far.socket.descriptor)
            try await far.write("b")
            try #require(try await reading.value == "ab")
            near.close()
            far.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a full backlog is waited for, until the deadline`(ground: Ground) async throws {
        let address = try freshUnixAddress(isPath: false)
        try await ground.run(seeds: 0..<5) {
            let listener = try await Listener.bind(to: address, backlog: 0)
            let first = try await Connection.connect(to: address)
            let error = await ioError {
                try await Connection.connect(to: address, timeout: .milliseconds(20))
            }
            try #require(error == IOError(.connect, .timedOut))
            let late = try spawn { try await Connection.connect(to: address) }
            try await settle()
            _ = try await listener.accept()
            try #require(try await late.value.remoteAddress == address)
            first.close()
            listener.close()
        }
    }

    @Test(arguments: Ground.all)
    func `an attempt at a full backlog can be cancelled`(ground: Ground) async throws {
        let address = try freshUnixAddress(isPath: false)
        try await ground.run(seeds: 0..<5) {
            let listener = try await Listener.bind(to: address, backlog: 0)
            let first = try await Connection.connect(to: address)
            let late = try spawn { try await Connection.connect(to: address) }
            try await settle()
            late.cancel()
            try #require(await ioError { try await late.value } == IOError(.connect, .cancelled))
            first.close()
            listener.close()
        }
    }

    @Test func `a host that lost its power finds its old socket file and replaces it`() throws {
        let address = try SocketAddress("unix:/run/app.sock")
        try simulated { world in
            let server = world.host("server") {
                try await StreamServer.serve(on: address, handler: echoBack)
            }
            let other = world.host("other")
            func ask() async throws -> [UInt8]? {
                try await server.run {
                    while true {
                        do {
                            return try await Connection.connect(to: address) { connection in
                                try await connection.write("x")
                                return try await connection.read(exactly: 1)
                            }
                        } catch IOError.system { try await sleep(for: .milliseconds(1)) }
                    }
                }
            }
            try #require(try await ask() == [120])
            server.restart()
            try #require(try await ask() == [120])
            // What is in one host is in no other.
            let error = await ioError {
                try await other.run { try await Connection.connect(to: address) }
            }
            try #require(error == IOError(.connect, .system(.noEntry)))
        }
    }
}

private let names = Atomic(0)

/// A Unix address that no other test has, and no other process.
private func freshUnixAddress(isPath: Bool) throws -> SocketAddress {
    let name = "swiftlet-connection-\(getpid())-\(names.add(1, ordering: .relaxed).newValue)"
    return try isPath
        ? SocketAddress.unix(path: "/tmp/\(name).sock") : SocketAddress.unix(abstractName: name)
}

/// Sends a byte with a descriptor (`SCM_RIGHTS`, cmsg(3)).
private func send(
    _ byte: Unicode.Scalar, along passed: RawDescriptor, to socket: RawDescriptor
) throws {
    /// A cmsghdr, which Glibc has with a member that Swift does not import, and its descriptor.
    struct Control {
        var length = 20
        var level = SOL_SOCKET
        var type: CInt = 1
        var descriptor: CInt
        var padding: CInt = 0
    }
    var byte = UInt8(ascii: byte)
    var control = Control(descriptor: passed.number)
    let sent = withUnsafeMutablePointer(to: &byte) { byte in
        withUnsafeMutablePointer(to: &control) { control in
            var piece = iovec(iov_base: byte, iov_len: 1)
            return withUnsafeMutablePointer(to: &piece) { piece in
                var message = msghdr()
                message.msg_iov = piece
                message.msg_iovlen = 1
                message.msg_control = UnsafeMutableRawPointer(control)
                message.msg_controllen = MemoryLayout<Control>.size
                return sendmsg(socket.number, &message, 0)
            }
        }
    }
    try #require(sent == 1)
}
