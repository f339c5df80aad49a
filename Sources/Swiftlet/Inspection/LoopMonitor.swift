import Syscalls

/// What watches the loops of a run, on a thread of its own, and says when a task keeps a loop's
/// thread to itself, or a loop never waits although nothing moves.
///
/// ```swift
/// try EventLoop.run(monitor: .init(threshold: .milliseconds(100))) { … }
/// ```
public struct LoopMonitor: Sendable {
    /// How long a task may have the thread before it is reported.
    public var threshold: Duration
    /// How much time of the processor a loop may use while nothing moves, before that is reported.
    public var busyThreshold = Duration.seconds(1)
    /// What is done with a report, on the monitor's thread.
    public var onReport: @Sendable (Report) -> Void

    /// Without `onReport`, reports go to standard error.
    public init(
        threshold: Duration = .milliseconds(100),
        onReport: (@Sendable (Report) -> Void)? = nil
    ) {
        self.threshold = threshold
        self.onReport = onReport ?? { StandardError.say("\($0)") }
    }

    /// What is wrong with a loop, or was.
    public enum Finding: Sendable, Equatable {
        /// A task has the thread for so long that nothing else runs.
        case blocked
        /// The task that was reported as `blocked` has given the thread back.
        case goesOn
        /// The loop never waits, and nothing moves.
        case busy
    }

    /// What the monitor has found.
    public struct Report: Sendable, CustomStringConvertible {
        /// What is wrong.
        public let finding: Finding
        /// Which loop of the run, in the order of `EventLoop.all`.
        public let loop: Int
        /// What the task is called: the name that it was spawned with, or "handler of" the peer
        /// that it serves; nil for other tasks, and where several take turns.
        public let name: String?
        /// Where the task was parked last, or else where it was spawned: "Chat/Room.swift:52"; nil
        /// when neither is known.
        public let place: String?
        /// How long it has gone on until now, or in all.
        public let duration: Duration
        /// How much of that the thread has computed; the rest of the time a call let it wait, or
        /// the machine had no processor for it.
        public let processorTime: Duration
        /// The descriptor of a busy loop that is ready all the time.
        public let descriptor: RawDescriptor?
        /// What the thread was doing, the innermost call first; empty where that is not known.
        public let stack: [StackFrame]

        /// A line that says it, and one for each call of the stack.
        public var description: String {
            let task = (name.map { "'\($0)'" } ?? "a task") + (place.map { " at \($0)" } ?? "")
            let computing = "\(processorTime.inMilliseconds) of it computing"
            let line =
                switch finding {
                case .blocked:
                    "is blocked: \(task) has the thread for \(duration.inMilliseconds) so far, "
                        + computing
                case .goesOn:
                    "goes on: \(task) had the thread for \(duration.inMilliseconds), \(computing)"
                case .busy:
                    "never waits, and nothing moves, for \(duration.inMilliseconds), \(computing): "
                        + "\(task) runs in every turn"
                        + (descriptor.map { "; \($0) is always ready, and it does not use that" }
                            ?? "")
                }
            return (["swiftlet: loop \(loop) \(line)"] + stack.map { "    \($0)" })
                .joined(separator: "\n")
        }
    }

    /// One call of a thread's stack.
    public struct StackFrame: Sendable, Hashable, CustomStringConvertible {
        /// Where it goes on.
        public let address: UInt
        /// The function, demangled where the runtime can; nil for one without a symbol.
        public let symbol: String?
        /// The file of the program or library that has it; nil when it is in none.
        public let module: String?
        /// How far behind the beginning of that file's memory it is: what llvm-symbolizer(1) takes.
        public let offset: UInt

        /// Such as "add(_:) in /usr/bin/chat+0x4a1c".
        public var description: String {
            let place = (module.map { "\($0)+" } ?? "") + "0x" + String(offset, radix: 16)
            return symbol.map { "\($0) in \(place)" } ?? place
        }
    }
}

extension Duration {
    /// Without what is less.
    fileprivate var inMilliseconds: Duration { .milliseconds(wholeNanoseconds / 1_000_000) }
}
