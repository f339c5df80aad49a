import Drivers
import Glibc
import Syscalls

@testable import Swiftlet

// Clients of an inspection: they block, on a thread that is none of a loop's.

/// Connects, sends a text, and returns all that comes back until the end.
func ask(
    _ address: SocketAddress, _ text: String = "", endingAfter: Bool = false
) throws -> String {
    let client = try InspectionClient(address)
    try client.send(text)
    if endingAfter { try client.socket.closeWrite() }
    return try client.receiveAll()
}

/// The body of the answer to a GET.
func get(_ path: String, of address: SocketAddress) throws -> String {
    let answer = try ask(address, "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
    return answer.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? ""
}

/// A connection to an inspection.
final class InspectionClient: Sendable {
    let socket: RawDescriptor

    init(_ address: SocketAddress) throws {
        socket = try .streamSocket(family: address.family)
        try socket.setBlocking()
        // A fault must end the test and not hang it.
        var limit = timeval(tv_sec: 600, tv_usec: 0)
        setsockopt(
            socket.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard try socket.connect(to: address) else { throw Errno.inProgress }
    }

    deinit { socket.close() }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try rest.withUnsafeBytes { try socket.send($0) })
        }
    }

    /// Waits until the other end has closed, without reading; says what poll(2) tells.
    func waitForEnd() -> CInt {
        var entry = pollfd(fd: socket.number, events: 0, revents: 0)
        poll(&entry, 1, -1)
        return CInt(entry.revents)
    }

    /// All that comes until the end of the stream.
    func receiveAll() throws -> String {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try bytes.withUnsafeMutableBytes { try socket.receive(into: $0) }
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            all += bytes[..<count]
        }
    }
}

/// An address in a folder of its own, which goes when the value does.
final class InspectionPath: Sendable {
    let folder: String
    var address: SocketAddress { get throws { try .unix(path: folder + "/inspect") } }

    init() {
        var name = Array("/tmp/swiftlet-test-XXXXXX".utf8CString)
        mkdtemp(&name)
        folder = String(decoding: name.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit { rmdir(folder) }

    /// What stat(2) says of the file; nil when it is not there.
    var status: stat? {
        var status = stat()
        return stat(folder + "/inspect", &status) == 0 ? status : nil
    }
}

/// Runs `body` off the loop of the caller.
func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await offload(on: ThreadPool(name: "clients"), body)
}

extension InspectionServer.Options {
    /// Of the loops of the calling task's run alone: other tests have loops, too.
    static var ofThisRun: InspectionServer.Options {
        var options = InspectionServer.Options()
        options.loops = EventLoop.all
        options.patience = .seconds(600)
        // A client that speaks is heard, however slow the machine is.
        options.silence = .seconds(600)
        options.headPatience = .seconds(600)
        options.connectionPatience = .seconds(1200)
        return options
    }
}
