import Drivers
import Glibc
import Syscalls

@testable import Swiftlet

// A loop blocks the thread that runs it, and the threads of Swift's own pool are few: a loop on one
// of them could keep the very thread from running that it waits for. So each loop of a test has a
// thread to itself.

/// Runs `body` on a thread of its own and waits for it without blocking.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
{
    let thread = Notes<RunningThread>()
    let result = await withCheckedContinuation { continuation in
        do {
            thread.add(
                try RunningThread.start {
                    continuation.resume(returning: Result<Value, any Error> { try body() })
                })
        } catch {
            continuation.resume(returning: .failure(error))
        }
    }
    thread.all.first?.join()
    return try result.get()
}

/// Runs `body` on a loop.
@discardableResult
func onLoop<Value: Sendable>(
    _ kind: DriverKind = .poll,
    sockets: any Sockets = SystemSockets(),
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await onThread { try EventLoop.run(on: [kind.makeDriver()], sockets: sockets, body) }
}

/// Runs `body` on a loop over a driver that `makeDriver` makes.
@discardableResult
func onLoop<Value: Sendable>(
    over makeDriver: @escaping @Sendable () throws -> any Driver,
    saying say: @escaping @Sendable (String) -> Void = { _ in },
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await onThread {
        try EventLoop.run(
            on: [makeDriver()], sockets: SystemSockets(), log: { say($0.description) }, body)
    }
}

/// Runs `body` on the first of several loops.
@discardableResult
func onLoops<Value: Sendable>(
    _ count: Int,
    _ kind: DriverKind = .poll,
    sockets: any Sockets = SystemSockets(),
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await onLoops(sockets: sockets, body) { try (0..<count).map { _ in try kind.makeDriver() } }
}

/// Runs `body` on the first of several loops, each over a driver that `makeDrivers` makes.
@discardableResult
func onLoops<Value: Sendable>(
    sockets: any Sockets = SystemSockets(),
    _ body: @escaping @Sendable () async throws -> Value,
    over makeDrivers: @escaping @Sendable () throws -> [any Driver]
) async throws -> Value {
    try await onThread { try EventLoop.run(on: try makeDrivers(), sockets: sockets, body) }
}

/// Drivers for three loops, of which one breaks when the flag is raised.
func threeDrivers(_ place: Int, breaksWith isBroken: Latch) throws -> [any Driver] {
    try (0..<3).map { try BreakableDriver(until: $0 == place ? isBroken : Latch()) }
}

/// Runs `body` on a loop whose driver cannot wait.
func onFailingLoop(_ body: @escaping @Sendable () async throws -> Void) async throws {
    try await onThread { try EventLoop.run(on: [FailingDriver()], sockets: SystemSockets(), body) }
}

/// Any free port of the loopback address.
func anyPort() throws -> SocketAddress { try SocketAddress("127.0.0.1:0") }

/// A connection and its peer, both on the calling loop.
func makeConnectionPair() async throws -> (Connection, Connection) {
    let listener = try await Listener.bind(to: anyPort())
    async let accepted = listener.accept()
    let connected = try await Connection.connect(to: listener.address)
    let pair = (connected, try await accepted)
    listener.close()
    return pair
}

/// The error that `body` throws; nil when it throws none or another one.
func ioError<Value>(_ body: () async throws -> Value) async -> IOError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? IOError
    }
}

/// As above for a read, whose bytes cannot be copied.
func ioError(_ body: () async throws -> Bytes?) async -> IOError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? IOError
    }
}

/// A place for what several tasks find out.
final class Notes<Note: Sendable>: Sendable {
    private let notes = Guarded<[Note]>([])
    var all: [Note] { notes.withLock { $0 } }
    func add(_ note: Note) { notes.withLock { $0.append(note) } }
    func removeAll() { notes.withLock { $0 = [] } }
}

/// The number of descriptors that this process holds open at most below a bound.
func openDescriptors() -> Int { (0..<4096).count { RawDescriptor(CInt($0)).isOpen } }

func thisThread() -> UInt { UInt(pthread_self()) }
