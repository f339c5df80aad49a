import Drivers
import Glibc
import Swiftlet
import Syscalls

/// Everything that the machine told a run of an event loop, in order: what was ready when, the
/// results of all calls, the bytes that were received, and the time.
///
/// `EventLoop.run(driver:recording:_:)` fills it, and `Simulation.replay(_:_:)` runs the same code
/// against it, with no network behind. So what was seen once on a real machine happens again as
/// often as wanted.
///
/// It contains what was received, and so whatever is secret in that. Of what was sent it has only
/// the count and a digest.
public final class Recording: Sendable {
    private struct State {
        var tape = Tape()
        /// The thread whose run is being recorded; 0 for none.
        var thread: UInt = 0
    }

    /// How many bytes a recording may have at most: 1 GiB.
    public static let bytesLimit = 1 << 30

    /// How many bytes this one may have; the steps that came first are kept.
    public let bytesMax: Int
    private let state: Guarded<State>

    /// An empty recording.
    ///
    /// A step takes about eight bytes, and what is received comes on top. Where more than
    /// `bytesMax` would be needed, the beginning of the run is kept, and a replay says where it
    /// stops.
    ///
    /// - Parameter bytesMax: how many bytes it may have, at most `bytesLimit`; 64 MiB by default.
    public convenience init(bytesMax: Int = 64 << 20) {
        precondition(
            0...Recording.bytesLimit ~= bytesMax,
            "a recording has at most 1 GiB, and no less than 0")
        self.init(of: Tape(), bytesMax: bytesMax)
    }

    /// A recording with these steps.
    init(of tape: Tape, bytesMax: Int = 64 << 20) {
        self.bytesMax = bytesMax
        state = Guarded(State(tape: tape))
    }

    /// Reads a recording from a file.
    ///
    /// - Parameter path: where the file is.
    /// - Throws: what is wrong with the file, all of which is checked.
    public convenience init(contentsOf path: String) throws(RecordingError) {
        let file: [UInt8]
        do throws(Errno) {
            // Reading ends: a file that is longer than any recording is none.
            file = try File.readBytes(path, atMost: Recording.bytesLimit + 4096)
        } catch {
            throw RecordingError(path: path, reason: .system(error))
        }
        let tape: Tape
        do throws(RecordingError.Reason) {
            tape = try Tape(file: file)
        } catch {
            throw RecordingError(path: path, reason: error)
        }
        self.init(of: tape)
    }

    /// Writes what is recorded until now to a file, and replaces what was there.
    ///
    /// - Parameter path: where to; the folder must be there.
    /// - Throws: what the kernel says when it cannot write the file.
    public func write(to path: String) throws(RecordingError) {
        do throws(Errno) {
            try File.replace(path, with: tape.file)
        } catch {
            throw RecordingError(path: path, reason: .system(error))
        }
    }

    /// How many steps are recorded: calls to the machine, and what it answered.
    public var steps: Int { tape.count }

    /// Why this recording cannot be replayed; nil when it can.
    public var refusal: ReplayError? {
        let foreignCalls = tape.foreignCalls
        return foreignCalls > 0 ? .otherThreads(calls: foreignCalls) : nil
    }

    /// The steps until now.
    var tape: Tape { state.withLock { $0.tape } }

    // MARK: Recording

    /// Forgets what was recorded, and begins to record what the calling thread does.
    func begin() {
        state.withLock { state in
            precondition(state.thread == 0, "two runs cannot fill one recording at the same time")
            state = State(thread: UInt(pthread_self()))
        }
    }

    /// Ends the recording.
    func end() { state.withLock { $0.thread = 0 } }

    /// Notes a step; or, where another thread makes the call, only that there was one.
    func add(_ call: RecordedCall, _ answer: RecordedAnswer) {
        state.withLock { state in
            if state.thread == UInt(pthread_self()) {
                state.tape.add(RecordedStep(call: call, answer: answer), limit: bytesMax)
            } else if state.thread != 0 {
                state.tape.foreignCalls += 1
            }
        }
    }

    /// Notes that the loop was woken, which matters when another thread did it.
    func addWake() {
        state.withLock { state in
            guard state.thread != 0, state.thread != UInt(pthread_self()) else { return }
            state.tape.foreignCalls += 1
        }
    }
}

extension Recording: AnswerSource {
    /// Makes a call, and notes what came of it.
    func answer<Value>(
        to call: RecordedCall, as field: (Value) -> RecordedField,
        _ make: () throws(Errno) -> Value
    ) throws(Errno) -> Value {
        do throws(Errno) {
            let value = try make()
            add(call, .told(field(value)))
            return value
        } catch {
            add(call, .failed(error))
            throw error
        }
    }
}

extension EventLoop {
    /// Runs `body` on the calling thread until it returns, as `run(driver:loops:_:)` does with one
    /// loop, and records what the machine tells it.
    ///
    /// Names are looked up on the loop's thread, which waits for the answer; `withResolver` is not
    /// recorded. What goes past the loop is not recorded: files, other clocks, random numbers, the
    /// order of a set. A run in which other threads have a part cannot be replayed;
    /// `recording.refusal` says so.
    ///
    /// - Parameters:
    ///   - driver: the system call to wait with.
    ///   - recording: what is filled; what it held before is gone.
    ///   - body: what to run.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or an `IOError` of the operation `wait` when the driver fails.
    public static func run<Value: Sendable>(
        driver: DriverKind = .poll,
        recording: Recording,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let opened: any Driver
        do throws(Errno) {
            opened = try driver.makeDriver()
        } catch {
            throw IOError(.wait, .system(error))
        }
        return try record(over: opened, into: recording, body)
    }

    /// As above, over a driver of the caller's choice.
    static func record<Value: Sendable>(
        over driver: any Driver,
        into recording: Recording,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        recording.begin()
        defer { recording.end() }
        return try run(
            on: [RecordingDriver(driver, into: recording)],
            sockets: TapedSockets(recording),
            witness: RecordingWitness(recording), TapedResolver.answering(body, from: recording))
    }
}

/// Why a recording cannot be read from a file or written to one.
public struct RecordingError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Error, Equatable, Sendable {
        /// The kernel refused.
        case system(Errno)
        /// The file is something else.
        case foreign
        /// The file is a recording in the format of another version of Swiftlet.
        case version(UInt64)
        /// The file ends before the recording does.
        case truncated
        /// The file is as long as it should be, but not what was written.
        case damaged
    }

    /// The file.
    public let path: String
    /// What is wrong with it.
    public let reason: Reason

    /// Says what is wrong, with which file, and what to do.
    public var description: String {
        switch reason {
        case .system(let errno):
            "recording '\(path)': \(errno)"
        case .foreign:
            "'\(path)' is no recording: name a file that Recording.write(to:) has made"
        case .version(let version):
            "recording '\(path)' has the format \(version), and this version of Swiftlet reads "
                + "format \(Tape.version): replay it with the version that made it, or record anew"
        case .truncated:
            "recording '\(path)' ends too early: it was not copied in full, so copy it again"
        case .damaged:
            "recording '\(path)' is damaged: it has changed since it was written, so copy it again"
        }
    }
}
