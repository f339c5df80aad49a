import Glibc
import Testing

/// Gives each test of a suite a thread of its own, for tests that block theirs: they wait for
/// commands, servers and loads.
///
/// Swift's pool has as many threads as the machine has processors. Two tests that wait for a
/// command would keep every other test from running, so what waits is taken off the pool.
package struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    /// Few at a time: each of these tests starts processes or threads that want a processor.
    private static let places = Places(count: 6)

    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // A suite as a whole runs nothing.
        if testCase == nil { return try await function() }
        await Self.places.take()
        let result: Result<Void, any Error>
        do {
            result = .success(
                try await withTaskExecutorPreference(ThreadEach()) { try await function() })
        } catch {
            result = .failure(error)
        }
        await Self.places.giveBack()
        try result.get()
    }
}

extension Trait where Self == OwnThread {
    /// Each test of the suite blocks its thread, and gets one of its own.
    package static var ownThread: OwnThread { OwnThread() }
}

/// Places that tests take in the order in which they ask.
private actor Places {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(count: Int) { free = count }

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// Runs each job on a new thread.
private final class ThreadEach: TaskExecutor {
    /// A job on its way to its thread.
    private final class Start {
        let job: UnownedJob
        let executor: ThreadEach

        init(_ job: UnownedJob, on executor: ThreadEach) {
            self.job = job
            self.executor = executor
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let start = Unmanaged.passRetained(Start(UnownedJob(job), on: self))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.job.runSynchronously(on: start.executor.asUnownedTaskExecutor())
                return nil
            },
            start.toOpaque())
        precondition(failure == 0, "a test gets no thread: pthread_create says \(failure)")
        pthread_detach(thread)
    }
}
