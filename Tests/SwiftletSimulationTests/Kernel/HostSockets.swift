import Drivers
import Syscalls
import Testing

@testable import SwiftletSimulation

// What tests of the kernel do with the sockets of three hosts, between which everything takes 10 ms
// when they say so.
extension ThreeHosts {
    /// Hosts between which everything takes the same time.
    init(latency: Duration) {
        self.init()
        inject(.latency(.constant(latency)))
    }

    mutating func listen(
        on host: FaultScope.Party, port: UInt16 = 80, backlog: Int = 16
    ) throws -> RawDescriptor {
        let socket = try kernel.open(.ipv4, on: host.id)
        try kernel.bind(socket, on: host.id, to: host.id.address(port: port))
        try kernel.listen(socket, on: host.id, backlog: backlog)
        return socket
    }

    mutating func connect(
        from host: FaultScope.Party, to target: FaultScope.Party, port: UInt16 = 80
    ) throws -> RawDescriptor {
        let socket = try kernel.open(.ipv4, on: host.id)
        _ = try kernel.connect(socket, on: host.id, to: target.id.address(port: port))
        return socket
    }

    mutating func accept(_ listener: RawDescriptor, on host: FaultScope.Party) throws
        -> RawDescriptor
    {
        try kernel.accept(listener, on: host.id).0
    }

    /// A connection from `a` to `b` that is up, after which nothing is under way.
    mutating func pair(port: UInt16 = 80) throws -> (a: RawDescriptor, b: RawDescriptor) {
        let listener = try listen(on: b, port: port)
        defer { kernel.close(listener, on: b.id) }
        let client = try connect(from: a, to: b, port: port)
        pass(.seconds(1))
        return (client, try accept(listener, on: b))
    }

    mutating func send(
        _ text: String, from socket: RawDescriptor, on host: FaultScope.Party
    ) throws {
        let bytes = Array(text.utf8)
        let count = try bytes.withUnsafeBytes { try kernel.send(socket, on: host.id, $0) }
        #expect(count == bytes.count)
    }

    /// What one call receives; "" at the end.
    mutating func take(from socket: RawDescriptor, on host: FaultScope.Party) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = try buffer.withUnsafeMutableBytes {
            try kernel.receive(socket, on: host.id, into: $0)
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The error of a call, nil when it throws none.
    mutating func error<Value>(
        _ call: (inout ThreeHosts) throws -> Value
    ) -> Errno? {
        do {
            _ = try call(&self)
            return nil
        } catch {
            return error as? Errno
        }
    }

    /// What is left of connections when everything should be gone.
    var leftOvers: String? {
        let (sockets, places) = (kernel.socketTable, kernel.connections.pairCount)
        if sockets.isEmpty, places == 0, kernel.nextEvent == .never { return nil }
        return "\(sockets), \(places) places, next event \(kernel.nextEvent)"
    }
}
