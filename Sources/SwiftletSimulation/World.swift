import Swiftlet
import Syscalls

/// A simulated world: hosts, a network between them, and one clock that jumps.
///
///     while the body has not ended
///       choose one of: an event that is due, a host that has work   (by the seed)
///       let it happen, or turn the host's loop once
///       nothing to choose from: move the clock to the next event or deadline
///       none either: a deadlock, which ends the run with a report
public final class World: Sendable {
    let kernel: SharedKernel

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        kernel = SharedKernel(Kernel(random: random.split()))
    }
}
