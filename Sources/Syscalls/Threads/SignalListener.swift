import CLinux
import Glibc

/// Listens for signals of this process as long as it lives (sigaction(2)).
///
/// A handler counts each signal and makes a descriptor readable; nothing else happens where the
/// signal interrupts. When nobody listens for a signal any more it does again what it did before.
///
/// Commands take their signals in another way, `SignalSet`, which blocks them in all threads. A
/// library cannot do that: threads that others have started do not block the signal, and the kernel
/// would deliver it to one of them, where most signals end the process. And a blocked signal stays
/// blocked in what the process starts, where a handler is gone with the first exec.
package final class SignalListener: Sendable {
    /// Those that are listened for, in ascending order, and how often each had come when it was
    /// taken last.
    private let taken: Guarded<[(number: CInt, count: UInt32)]>
    /// Nil where there is no descriptor left: then one has to look from time to time.
    private let wake: WakeSignal?
    private let slot: CInt

    /// What is done for a signal that is caught.
    private struct Caught {
        var listeners = 1
        let before: sigaction
        /// How often it had come when one of the listeners took it last.
        var taken: UInt32
    }

    private static let caught = Guarded<[CInt: Caught]>([:])

    /// Signals that the processor raises for a fault of the program: a handler that returns would
    /// be called for ever.
    private static let faults: Set<CInt> = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT]

    /// Listens for signals by their numbers.
    ///
    /// Left alone are those that are ignored, as under nohup(1), and those that cannot be caught.
    package init(_ numbers: [CInt]) {
        // Without one it works as well, and more slowly.
        wake = try? WakeSignal()
        slot =
            switch wake {
            case .some(let wake): clinux_add_signal_listener(wake.writingEnd.number)
            case .none: -1
            }
        let wanted = Set(numbers).subtracting(SignalListener.faults).filter { 1...64 ~= $0 }
        let taken = SignalListener.caught.withLock { caught in
            wanted.sorted().compactMap { number -> (number: CInt, count: UInt32)? in
                let count = clinux_signal_count(number)
                if caught[number] != nil {
                    caught[number]?.listeners += 1
                    return (number, count)
                }
                var before = sigaction()
                guard clinux_catch_signal(number, &before) != 0 else { return nil }
                caught[number] = Caught(before: before, taken: count)
                return (number, count)
            }
        }
        self.taken = Guarded(taken)
    }

    deinit {
        let taken = self.taken.withLock { $0 }
        let left = SignalListener.caught.withLock { caught in
            taken.filter { number, _ in
                caught[number]?.listeners -= 1
                guard let last = caught[number], last.listeners == 0 else { return false }
                caught[number] = nil
                var before = last.before
                return clinux_release_signal(number, &before) != last.taken
            }
        }
        if slot >= 0 { clinux_remove_signal_listener(slot) }
        // One that has come and that nobody took does now what it would have done.
        for (number, _) in left { kill(getpid(), number) }
    }

    /// What becomes readable when a signal comes; nil where one has to look.
    package var raw: RawDescriptor? {
        switch wake {
        case .some(let wake): slot >= 0 ? wake.raw : nil
        case .none: nil
        }
    }

    /// Takes a signal that has come, the lowest number first; nil when there is none, and then the
    /// descriptor is not readable. Several of the same number may be one.
    package func take() -> CInt? {
        if let number = takeCounted() { return number }
        switch wake {
        case .some(let wake): wake.clear()
        case .none: break
        }
        return takeCounted()
    }

    private func takeCounted() -> CInt? {
        taken.withLock { taken in
            for place in taken.indices {
                let count = clinux_signal_count(taken[place].number)
                if count == taken[place].count { continue }
                let number = taken[place].number
                taken[place].count = count
                SignalListener.caught.withLock { caught in
                    guard let taken = caught[number]?.taken else { return }
                    caught[number]?.taken = max(taken, count)
                }
                return number
            }
            return nil
        }
    }
}
