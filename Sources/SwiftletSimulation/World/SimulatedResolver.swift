import Swiftlet
import Syscalls

/// Finds the hosts of a world by the names that they were given, for the programs of one host.
struct SimulatedResolver: Resolver {
    let kernel: SharedKernel
    let host: HostID

    nonisolated(nonsending) func addresses(
        of name: String
    ) async throws(IOError) -> [SocketAddress] {
        let (delay, answer) = kernel.use { $0.lookUp(name, from: host) }
        do throws(IOError) {
            if delay > .zero { try await sleep(for: delay) }
        } catch {
            throw IOError(.resolve, error.reason, name: name)
        }
        do throws(NameFailure) {
            return try answer.get()
        } catch {
            throw IOError(.resolve, .name(error), name: name)
        }
    }
}

extension Kernel {
    /// Looks a name up for a program of a host: how long that takes, and what comes of it.
    mutating func lookUp(
        _ name: String, from host: HostID
    ) -> (delay: Duration, answer: Result<[SocketAddress], NameFailure>) {
        let (delay, failure) = faults.nameTrouble(on: host, using: &random)
        if let failure { return (delay, .failure(failure)) }
        let name = Kernel.plain(name)
        let own = hosts.firstIndex { Kernel.plain($0.name) == name }
            .map { [HostID(index: $0).address(port: 0)] }
        let addresses = names[name] ?? own ?? []
        return (delay, addresses.isEmpty ? .failure(.unknown) : .success(addresses))
    }

    /// A name as names are compared: in small letters, without a dot at the end.
    static func plain(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}

extension World {
    /// Makes a name mean other addresses than those of the host that is called so; none makes it
    /// unknown. Their ports mean nothing.
    ///
    /// ```swift
    /// let dead = try SocketAddress("10.9.9.9:0")
    /// world.setAddresses(of: "server", to: [dead, server.address(port: 0)])
    /// ```
    ///
    /// Without it a host is found by its name, with its IPv4 address, by programs of every host.
    /// `Fault.slowNames` and `Fault.failingNames` make looking up go wrong.
    public func setAddresses(of name: String, to addresses: [SocketAddress]) {
        kernel.use { $0.names[Kernel.plain(name)] = addresses }
    }
}
