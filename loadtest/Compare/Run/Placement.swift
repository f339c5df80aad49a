import Processes
import Syscalls

/// Which processors the generator and the servers run on.
///
/// Each side has half of them to itself: what the generator takes, no server misses. The allowed
/// ones count, and not the machine's: a process that taskset(1) or its control group keeps to one
/// processor has one. Where there is only one, or the kernel refuses, the sides share, and the
/// record says so.
struct Placement: Sendable {
    private let halves: (server: Affinity, generator: Affinity)?
    private let processors: Affinity
    /// Processors' worth of time that the control group may use; nil without a limit.
    private let quota: Double?
    private var isRefused = false

    /// Divides the processors that this process may use.
    init() {
        // Where the kernel does not say, nothing is divided.
        self.init((try? Affinity.current())?.processors ?? [], quota: ControlGroup.read().quota)
    }

    init(_ processors: [Int], quota: Double? = nil) {
        self.processors = Affinity(processors)
        self.quota = quota
        halves = self.processors.halves.map { (server: $0, generator: $1) }
    }

    /// What a reader must know of it.
    var note: String {
        let limit = quota.map { "; the control group allows \(Placement.short($0)) of them" } ?? ""
        guard let halves, !isRefused else {
            let reason = isRefused ? ", as the kernel refuses to divide them" : ""
            return "generator and servers share \(Placement.text(processors))\(reason)\(limit)"
        }
        return "servers run on \(Placement.text(halves.server)), the generator on "
            + "\(Placement.text(halves.generator))\(limit)"
    }

    private static func short(_ number: Double) -> String {
        number == number.rounded() ? "\(Int(number))" : "\((number * 10).rounded() / 10)"
    }

    /// "processor 0", "processors 0-3", "processors 0, 2".
    private static func text(_ affinity: Affinity) -> String {
        let numbers = affinity.processors
        guard let first = numbers.first, let last = numbers.last, first != last else {
            return numbers.first.map { "processor \($0)" } ?? "all processors"
        }
        let isRow = last - first == numbers.count - 1
        let list = numbers.map { "\($0)" }.joined(separator: ", ")
        return "processors " + (isRow ? "\(first)-\(last)" : list)
    }

    /// Keeps the calling thread, which makes the load, to the generator's side.
    mutating func enter() {
        // A refusal is told, and costs precision.
        do { try halves?.generator.apply() } catch { isRefused = true }
    }

    /// Starts a server, which inherits the processors of the calling thread, on its own side.
    func starting<Server, Failure: Error>(
        _ start: () throws(Failure) -> Server
    ) throws(Failure) -> Server {
        guard let halves, !isRefused else { return try start() }
        // What could be applied before can be applied again.
        try? halves.server.apply()
        defer { try? halves.generator.apply() }
        return try start()
    }
}
