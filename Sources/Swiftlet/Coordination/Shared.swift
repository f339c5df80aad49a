import CLinux
import Synchronization

/// State that tasks on several threads change, one at a time, and wait at for one another.
///
/// What `Guarded` is elsewhere, for what takes a few dozen instructions: to take a lock that is
/// free and to give it back is one atomic instruction each, where a `Mutex` makes four calls. It is
/// no scope with a closure, because what cannot be copied could not leave one.
///
/// Nothing is done under the lock but to change the state: no task is resumed, and no code of a
/// user runs except the comparison that a queue was given.
struct Shared<State: ~Copyable>: ~Copyable, Sendable {
    let lock = WordLock()
    // Reached by whoever holds the lock, and by `deinit`.
    private nonisolated(unsafe) let storage: UnsafeMutablePointer<State>

    init(_ state: consuming State) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: state)
    }

    deinit {
        storage.deinitialize(count: 1)
        storage.deallocate()
        lock.free()
    }

    /// The state; only for what holds the lock.
    ///
    /// To be kept in a variable: the thread sanitizer takes a change of what is reached by way of a
    /// property for a change of what has the property.
    @inline(__always)
    var state: UnsafeMutablePointer<State> { storage }

    /// Runs `body` with the lock held.
    @inline(__always)
    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body(&storage.pointee)
    }
}

/// A lock of one word, in memory of its own: 0 is free, 1 is taken, 2 is taken and waited for.
///
/// After Drepper, "Futexes Are Tricky", the second mutex. The atomics order what it guards, also in
/// the eyes of the thread sanitizer; the kernel, by futex(2), only lets threads sleep.
struct WordLock: Sendable {
    private nonisolated(unsafe) let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    /// Where it is: what several locks are taken in the order of.
    var address: UInt { UInt(bitPattern: word) }

    /// Gives the memory back; nobody holds the lock, or comes for it.
    func free() {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    @inline(__always)
    func lock() {
        let (isTaken, _) = word.pointee.compareExchange(
            expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed)
        if !isTaken { waitForLock() }
    }

    @inline(never)
    private func waitForLock() {
        // Who holds it needs some dozens of instructions, mostly.
        for _ in 0..<100 where word.pointee.load(ordering: .relaxed) == 0 {
            let (isTaken, _) = word.pointee.compareExchange(
                expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed)
            if isTaken { return }
        }
        while word.pointee.exchange(2, ordering: .acquiring) != 0 { clinux_futex_wait(word, 2) }
    }

    @inline(__always)
    func unlock() {
        if word.pointee.exchange(0, ordering: .releasing) == 2 { clinux_futex_wake_one(word) }
    }
}
