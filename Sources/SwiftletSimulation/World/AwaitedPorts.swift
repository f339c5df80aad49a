import Syscalls

/// The tasks that wait until a host listens on a port, each with its port.
final class AwaitedPorts: Sendable {
    private struct Waiting {
        let port: UInt16
        let task: CheckedContinuation<Void, Never>
    }

    private struct State {
        var waiting: [Int: Waiting] = [:]
        var count = 0
    }

    private let state = Guarded(State())

    /// The ports that are waited for, in order.
    var ports: [UInt16] { state.withLock { $0.waiting.values.map(\.port).sorted() } }

    /// Suspends the calling task until the host listens on a port, or the task is cancelled.
    func wait(for port: UInt16, unless isListening: @Sendable () -> Bool) async {
        let number = state.withLock { state in
            state.count += 1
            return state.count
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { task in
                let isNeeded = state.withLock { state in
                    if Task.isCancelled || isListening() { return false }
                    state.waiting[number] = Waiting(port: port, task: task)
                    return true
                }
                if !isNeeded { task.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.task.resume()
        }
    }

    /// Resumes the tasks that wait for a port, in the order in which they came.
    func resume(_ port: UInt16) {
        let tasks = state.withLock { state in
            let numbers = state.waiting.keys.filter { state.waiting[$0]?.port == port }.sorted()
            return numbers.compactMap { state.waiting.removeValue(forKey: $0)?.task }
        }
        for task in tasks { task.resume() }
    }
}
