import Glibc
import Processes
import SchemaChecks
import Synchronization
import Syscalls

/// The echo server as a process, and what it counted when it was stopped.
final class EchoService {
    let command: Command
    let address: SocketAddress

    /// Starts it on a free port with more options.
    convenience init(_ options: String...) throws { try self.init(options) }

    /// Starts it on an address, or on a free port, with more options.
    init(on listen: String = "127.0.0.1:0", _ options: [String]) throws {
        command = try Command("echo-server", ["--listen", listen] + options)
        address = try EchoService.address(of: command)
    }

    /// Starts it through a shell that sets limits first; `exec` is what the shell calls it with.
    init(afterShell setup: String, exec: String = "exec", _ options: String...) throws {
        let path = try Command.path(of: "echo-server")
        let line = "\(setup); \(exec) \(path) --listen 127.0.0.1:0 "
        command = try Command("/bin/sh", ["-c", line + options.joined(separator: " ")])
        address = try EchoService.address(of: command)
    }

    private static func address(of command: Command) throws -> SocketAddress {
        let words = try command.line(beginning: "listening on ").split(separator: " ")
        guard let service = ServiceAddress(String(words[2])) else {
            throw Command.Failure(description: "listens on \(words[2])")
        }
        return service.address
    }

    /// Bytes of memory that the process occupies.
    func residentBytes() throws -> Int {
        try ProcessUsage.read(command.child.id).residentBytes
    }

    /// Stops it in order and returns those of its counters that are numbers.
    func stop() throws -> [String: Double] {
        command.send(15)
        return try lastWords().compactMapValues(\.number)
    }

    /// Waits for its end in order and returns its last line.
    func lastWords() throws -> [String: JSON] {
        let run = try command.finish()
        guard run.code == 0, let line = run.errors.split(separator: "\n").last,
            case .object(let members) = try JSON(String(line))
        else { throw Command.Failure(description: "ended with \(run.code): \(run.errors)") }
        return members
    }

    /// Waits until nobody is let in any more.
    func waitUntilItListensNoMore() throws {
        try command.wait {
            do {
                try Client(address).close()
                return false
            } catch let error as Errno where error == .connectionRefused {
                return true
            } catch let error as Errno where error == .connectionReset {
                // It was in the queue when the listener was closed.
                return false
            }
        }
    }
}

/// A client that blocks, as the simplest of clients do.
final class Client: Sendable {
    private let socket: RawDescriptor
    private let isClosed = Atomic(false)

    init(_ address: SocketAddress) throws {
        socket = RawDescriptor(
            Glibc.socket(
                address.family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0))
        // A fault must end the test and not hang it.
        var limit = timeval(tv_sec: 600, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                socket.number, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard try socket.connect(to: address) else { throw Errno.inProgress }
    }

    deinit { close() }

    func close() {
        if !isClosed.exchange(true, ordering: .relaxed) { socket.close() }
    }

    func reset() throws {
        try socket.resetOnClose()
        close()
    }

    func closeWrite() throws { try socket.closeWrite() }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try rest.withUnsafeBytes { try socket.send($0) })
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends until the server takes no more, and returns how many bytes it took.
    func sendUntilStuck(_ block: [UInt8]) throws -> Int {
        let flags = fcntl(socket.number, F_GETFL)
        _ = fcntl(socket.number, F_SETFL, flags | O_NONBLOCK)
        var total = 0
        var idleRounds = 0
        while idleRounds < 20 {
            let sent = Glibc.send(socket.number, block, block.count, CInt(MSG_NOSIGNAL))
            total += max(sent, 0)
            var entry = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
            idleRounds = poll(&entry, 1, 10) == 0 ? idleRounds + 1 : 0
        }
        return total
    }

    /// Whether a receive would return at once.
    var hasSomethingToRead: Bool {
        var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// Receives at most so many bytes; none at the end of the stream.
    func receive(_ count: Int = 65_536) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = try buffer.withUnsafeMutableBytes { try socket.receive(into: $0) }
        return Array(buffer[..<received])
    }

    /// Receives exactly so many bytes, or fewer if the stream ends.
    func receive(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receive(count - bytes.count)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }
}
