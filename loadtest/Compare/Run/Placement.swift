import Flags
import Processes
import Syscalls

/// Which processors the generator and the servers run on.
///
/// With four or more each side has half of them to itself. With fewer they share, and the record
/// says so: what the generator takes, the server does not have, and the other way round.
struct Placement: Sendable {
    private let halves: (server: Affinity, generator: Affinity)?
    private let processors: Int

    /// More threads would find more in a server than a machine of this size has to measure with.
    private static let threadsMax = 4

    /// Divides the processors that this process may use.
    init() {
        // Where the kernel does not say, nothing is divided.
        let all = (try? Affinity.current())?.processors ?? []
        self.init(all)
    }

    init(_ processors: [Int]) {
        let (server, generator) = Affinity(processors).halves.map { ($0, $1) } ?? (nil, nil)
        if let server, let generator { halves = (server, generator) } else { halves = nil }
        self.processors = max(1, processors.count)
    }

    /// Threads of the generator.
    var threads: Int { min(Self.threadsMax, halves?.generator.processors.count ?? 1) }

    /// What a reader must know of it.
    var note: String {
        guard let halves else {
            return "generator and servers share "
                + (processors == 1 ? "1 processor" : "\(processors) processors")
        }
        let (servers, generator) = (halves.server.processors.count, threads)
        return "servers have \(servers) processors, and \(generator) threads of the generator "
            + "others"
    }

    /// Keeps the calling thread, and the generator's that it starts, to the generator's side.
    func enter() {
        // A refusal means sharing after all, which costs precision and nothing else.
        try? halves?.generator.apply()
    }

    /// Starts a server, which inherits the processors of the calling thread, on its own side.
    func starting<Server, Failure: Error>(
        _ start: () throws(Failure) -> Server
    ) throws(Failure) -> Server {
        // As above.
        try? halves?.server.apply()
        defer { enter() }
        return try start()
    }
}
