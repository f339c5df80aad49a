import Syscalls

/// Finds the addresses of hosts by their names.
///
/// `SystemResolver` asks the machine, as all programs do. Write another one to ask something else,
/// or to answer in a test, and let it answer with `withResolver`. In a simulation the world
/// answers: hosts are found by the names that they were given.
public protocol Resolver: Sendable {
    /// The addresses of a host, at least one, in the order in which to try them; their ports mean
    /// nothing.
    ///
    /// - Throws: `IOError` of the operation `resolve`: with `.name` when there is none, and with
    ///   `.cancelled` as soon as the calling task is cancelled.
    nonisolated(nonsending) func addresses(
        of host: String
    ) async throws(IOError) -> [SocketAddress]
}

/// Lets another resolver answer for all that `body` does, its child tasks and what it spawns.
///
/// - Returns: what `body` returns.
/// - Throws: what `body` throws.
public nonisolated(nonsending) func withResolver<Value>(
    _ resolver: any Resolver, _ body: () async throws -> Value
) async rethrows -> Value {
    try await Resolving.$resolver.withValue(resolver) { try await body() }
}

/// Where names are looked up.
package enum Resolving {
    /// The resolver of the calling task.
    @TaskLocal package static var resolver: any Resolver = SystemResolver.shared

    /// The addresses of a name with a port, within a time; the error names both.
    static func addresses(
        of host: String, port: UInt16, until deadline: Instant, on loop: LoopExecutor, in call: Call
    ) async throws(IOError) -> [SocketAddress] {
        let resolver = resolver
        let outcome = await withTaskGroup(of: Lookup.self) { group in
            group.addTask(executorPreference: loop) {
                do throws(IOError) {
                    return .found(try await resolver.addresses(of: host))
                } catch {
                    return .failed(error.reason)
                }
            }
            if deadline < .never {
                group.addTask(executorPreference: loop) {
                    .failed(await loop.sleep(until: deadline, in: call) ?? .cancelled)
                }
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failed(.cancelled)
        }
        switch outcome {
        case .found(let addresses) where !addresses.isEmpty:
            return addresses.map { $0.with(port: port) }
        case .found: throw IOError(.resolve, .name(.unknown), name: "\(host):\(port)")
        case .failed(let reason): throw IOError(.resolve, reason, name: "\(host):\(port)")
        }
    }

    /// What `make` makes of the first address of a text with which it makes anything; the text
    /// is an address or a name.
    nonisolated(nonsending) static func first<Made: Sendable>(
        of text: String, _ operation: IOError.Operation, in call: Call,
        _ make: (SocketAddress) async throws(IOError) -> Made
    ) async throws -> Made {
        switch try SocketTarget(text) {
        case .address(let address): return try await make(address)
        case .name(let host, let port):
            let loop = try EventLoop.require(operation).executor
            let addresses = try await loop.perform { () async throws(IOError) in
                try await Resolving.addresses(
                    of: host, port: port, until: .never, on: loop, in: call)
            }
            var failures: [IOError] = []
            for address in addresses {
                do throws(IOError) {
                    return try await make(address)
                } catch {
                    failures.append(error)
                }
            }
            throw IOError(
                failures[0].operation, failures[0].reason, name: text, attempts: failures)
        }
    }

    private enum Lookup: Sendable {
        case found([SocketAddress])
        case failed(IOError.Reason)
    }
}
