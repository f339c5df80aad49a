import Generator
import Syscalls

// What an arm shows before the rounds: how much it can do, and what its connections take.
extension Trial {
    /// What an arm showed before the rounds.
    struct Pilot: Sendable {
        /// Answers per second of a short busy load.
        var rate: Double
        /// What a life of the server counts in which each connection gets one answer.
        var setUp: Life?
        /// What its processes counted, together.
        var calls: [String: Int] = [:]
    }

    /// What one process counted in all: system calls, for so many messages.
    struct Life: Sendable, Equatable {
        var calls: Int
        var messages: Int

        /// Nil for a server that does not count.
        init?(_ calls: [String: Int]?, messages: Int) {
            guard let calls else { return nil }
            self.calls = calls.values.reduce(0, +)
            self.messages = messages
        }

        /// System calls for one message more: what this life had more than a short one with the
        /// same connections, whose opening and closing so is in neither.
        func callsPerMessage(beyond short: Life?) -> Double? {
            guard let short, messages > 2 * short.messages, calls >= short.calls else {
                return nil
            }
            return Double(calls - short.calls) / Double(messages - short.messages)
        }
    }

    /// Finds out what the arm can do, in one process, and what its connections take, in another.
    func pilot() throws(Trouble) -> Pilot {
        tell("busy")
        let busy = try start()
        var short = plan(for: busy)
        short.duration = timing.pilot
        let rate = try run(short, on: busy).measurement.rate
        let busyCalls = try busy.stop().calls ?? [:]
        let setUp = try start()
        var once = plan(for: setUp)
        once.duration = nil
        once.requests = connections
        once.warmup = .fixed(.zero)
        let load = try run(once, on: setUp)
        let calls = try setUp.stop().calls
        return Pilot(
            rate: rate, setUp: Life(calls, messages: load.messages),
            calls: busyCalls.merging(calls ?? [:], uniquingKeysWith: +))
    }
}
