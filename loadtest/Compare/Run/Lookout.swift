import Generator
import Syscalls

/// What must not wait until a load is over: servers that write a lot, which a full pipe would hold
/// up, and the signals that end a comparison.
final class Lookout {
    private let interrupts: Interrupts
    private var servers: [Listed] = []

    private struct Listed {
        weak var process: ServerProcess?
    }

    init(_ interrupts: Interrupts) { self.interrupts = interrupts }

    /// Looks after a server for as long as it is there.
    func add(_ process: ServerProcess) { servers.append(Listed(process: process)) }

    /// Takes what servers have written, those too that are not loaded; gives the signal that has
    /// come.
    func look() -> CInt? {
        servers.removeAll { $0.process == nil }
        for server in servers { server.process?.takeOutput() }
        return interrupts.take()
    }
}
