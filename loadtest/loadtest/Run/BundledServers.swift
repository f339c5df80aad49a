import Drivers
import Generator
import Processes
import Reports
import Syscalls

/// The bundled echo servers of a command, each a process of its own: one, or where that could not
/// hold all connections, several that share a port (socket(7), `SO_REUSEPORT`).
struct BundledServers {
    private let processes: [ServerProcess]

    /// Descriptors of a server that are no connections: listener, driver, signals, pipes.
    private static let descriptorsBesides = 64

    /// The fewest servers that hold so many connections.
    ///
    /// The kernel chooses a server for each connection by a hash, as if it threw dice: the share of
    /// one may be larger than the mean. Six standard deviations more are met by none in a million.
    static func count(for connections: Int, descriptors: Int) -> Int {
        let capacity = Double(descriptors - descriptorsBesides)
        return (1...max(1, connections)).first { count in
            let mean = Double(connections) / Double(count)
            let deviation = (mean * (1 - 1 / Double(count))).squareRoot()
            return mean + 6 * deviation <= capacity
        } ?? 1
    }

    /// Starts servers with a driver, on a free address: so many, where several can share one.
    static func start(
        _ driver: DriverKind, over transport: Transport, _ count: Int
    ) throws(ServerProcess.Failure) -> BundledServers {
        let count = transport == .tcp ? count : 1
        var processes: [ServerProcess] = []
        for _ in 0..<count {
            let address = processes.first?.address.description ?? transport.freeAddress
            let arguments = [
                "loadtest", "echo", "--listen", address, "--driver", driver.rawValue,
                "--exit-with-parent", "\(Machine.processNumber)",
            ]
            processes.append(
                try ServerProcess.start(
                    "/proc/self/exe", arguments: arguments + (count > 1 ? ["--reuse-port"] : [])))
        }
        return BundledServers(processes: processes)
    }

    /// Where all of them listen.
    var address: SocketAddress { processes[0].address }

    var ids: [CInt] { processes.map(\.id) }

    /// What they say they are.
    var record: RunRecord.Server {
        var record = RunRecord.Server(model: processes[0].model, driver: processes[0].driver)
        record.count = processes.count
        return record
    }

    /// Ends all of them; returns how they ended, the worst of them where they differ.
    func stop(within grace: Duration = .seconds(5)) -> RunRecord.Server {
        let ended = processes.map { $0.stop(within: grace) }
        var record = record
        record.wasKilled = ended.contains(where: \.wasKilled)
        if let worst = ended.max(by: { $0.exitCode < $1.exitCode }), worst.exitCode != 0 {
            (record.exitCode, record.lastWords) = (worst.exitCode, worst.standardError)
        }
        let counters = ended.compactMap(\.counters)
        record.counters = counters.isEmpty ? nil : counters.joined(separator: "\n")
        return record
    }
}
