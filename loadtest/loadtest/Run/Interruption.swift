import Syscalls

/// What signals ask for: the first to finish early, the second to leave at once.
///
/// timeout(1) and others send one request twice, to the process and to its group. The same signal
/// within a fifth of a second is therefore the same request; nobody presses Ctrl-C twice as fast.
struct Interruption {
    enum Request: Equatable {
        case finish, leave
    }

    private static let repetition = Duration.milliseconds(200)
    private var first: (signal: Int32, time: Instant)?

    /// What a signal asks for; nil when it repeats what is being done already.
    mutating func request(by signal: Int32, at now: Instant) -> Request? {
        guard let first else {
            self.first = (signal, now)
            return .finish
        }
        let isSame = signal == first.signal
        return isSame && now < first.time.advanced(by: Interruption.repetition) ? nil : .leave
    }
}
