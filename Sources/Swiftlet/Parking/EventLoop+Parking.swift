import Drivers
import Syscalls

// What a task calls to wait for a descriptor that this library did not open, or for a time.

/// Which way bytes flow through a descriptor, seen from this process.
public enum Direction: Sendable {
    /// Bytes, connections or signals come in.
    case read
    /// Bytes go out; a connection comes up.
    case write

    var interest: Interest { self == .read ? .readable : .writable }
}

extension EventLoop {
    /// Suspends the calling task until `descriptor` may make progress in `direction`.
    ///
    /// For descriptors that this library did not open: pipes, terminals, signalfd, inotify. They
    /// must be non-blocking, and stay open while a task is parked on them. Readiness is a hint:
    /// try, and park again. After `timeout` it gives up; nil is for ever.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy` when another task is parked
    ///   there in the same direction, `.loopEnded`, or what the kernel says when it cannot watch
    ///   the descriptor.
    public func park(
        on descriptor: RawDescriptor, for direction: Direction, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let executor = executor
        let call = Call(file, line)
        let wakeup = await executor.perform { () -> Wakeup in
            if executor.isCurrent, let refusal = executor.examine(descriptor, for: direction) {
                return refusal
            }
            let deadline = executor.deadline(after: timeout)
            return await executor.park(on: descriptor, for: direction, until: deadline, in: call)
        }
        if let reason = wakeup { throw IOError(.park, reason) }
    }

    /// Takes back what the driver was told of `descriptor`; to be called before it is closed.
    ///
    /// A task that is parked on it is resumed with a `closed` error.
    public func forget(_ descriptor: RawDescriptor) async {
        let executor = executor
        await executor.perform {
            // A loop that has ended has forgotten everything.
            if executor.isCurrent { executor.forget(descriptor) }
        }
    }
}

/// Suspends the calling task for `duration`.
///
/// - Throws: `IOError` with `.cancelled`, `.loopEnded`, or `.noLoop` outside `EventLoop.run`.
public func sleep(
    for duration: Duration, file: SourceFile = #fileID, line: UInt32 = #line
) async throws(IOError) {
    let call = Call(file, line)
    let loop = try EventLoop.require(.sleep).executor
    let wakeup: Wakeup
    if loop.isHome {
        wakeup = await loop.sleep(until: loop.deadline(after: duration), in: call)
    } else {
        wakeup = await loop.perform {
            await loop.sleep(until: loop.deadline(after: duration), in: call)
        }
    }
    if wakeup != .timedOut { throw IOError(.sleep, wakeup ?? .cancelled) }
}
