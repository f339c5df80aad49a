import Swiftlet
import Syscalls

/// What a simulated host's loop is watched by: the seed chooses for it, and the trace hears of it.
final class HostWitness: LoopWitness {
    private let host: HostID
    private let kernel: SharedKernel
    private let choices: SharedRandom

    init(of host: HostID, in kernel: SharedKernel, choices: SharedRandom) {
        self.host = host
        self.kernel = kernel
        self.choices = choices
    }

    func choose(below bound: Int) -> Int { choices.number(below: bound) }

    func saw(_ step: LoopStep) {
        kernel.use { $0.trace.add(.loop(step), on: host, at: $0.now) }
    }
}
