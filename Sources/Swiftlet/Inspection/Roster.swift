import Glibc
import Synchronization
import Syscalls

/// What runs in this process and may be inspected: loops, servers, and what has a name.
///
/// Entered when it begins and taken out when it ends, never for a message. Loops and servers are
/// kept for as long as they run; all else is not kept, and takes itself out when it goes.
///
/// A loop of a simulation, or of an inspection, is not entered, nor is what it serves.
enum Roster {
    private struct Entries {
        /// By the numbers that reports have for them.
        var loops: [Int: LoopExecutor] = [:]
        var servers: [ObjectIdentifier: any Accountable] = [:]
        var things: [ObjectIdentifier: Thing] = [:]
    }

    /// Not kept, and not weak either: what a weak reference ever led to is retained and released
    /// for 130 instructions more each time, for good.
    private struct Thing {
        unowned(unsafe) let object: any Accountable
    }

    private static let entries = Guarded(Entries())

    // MARK: Loops

    /// Enters the loops of a run; each gets the lowest number that is free.
    static func enter(_ loops: [LoopExecutor]) {
        entries.withLock { entries in
            for loop in loops {
                var number = 0
                while entries.loops[number] != nil { number += 1 }
                entries.loops[number] = loop
            }
        }
    }

    /// Takes the loops of a run out.
    static func leave(_ loops: [LoopExecutor]) {
        entries.withLock { entries in
            entries.loops = entries.loops.filter { entry in !loops.contains { $0 === entry.value } }
        }
    }

    /// Every loop that runs, by its number.
    static var loops: [(number: Int, executor: LoopExecutor)] {
        entries.withLock { entries in
            entries.loops.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }

    // MARK: Servers

    /// Enters a server that begins to serve, if its loop is entered.
    static func enter(_ server: any Accountable, on loop: LoopExecutor) {
        entries.withLock { entries in
            guard entries.loops.values.contains(where: { $0 === loop }) else { return }
            entries.servers[ObjectIdentifier(server)] = server
        }
    }

    /// Takes a server out that serves no more.
    static func leave(_ server: any Accountable) {
        // It may be the last to know the server, whose end needs no lock of ours.
        let last = entries.withLock { $0.servers.removeValue(forKey: ObjectIdentifier(server)) }
        withExtendedLifetime(last) {}
    }

    /// Every server that serves.
    static var servers: [any Accountable] { entries.withLock { Array($0.servers.values) } }

    // MARK: What has a name

    /// Enters a thing for as long as it lives, without keeping it.
    static func enter(_ thing: any Accountable) {
        entries.withLock { $0.things[ObjectIdentifier(thing)] = Thing(object: thing) }
    }

    /// Takes a thing out that goes: the first that its `deinit` does, so that all of it is there
    /// while it is entered.
    static func leave(_ identity: ObjectIdentifier) {
        // While an account is made it may be that which knows the thing last. Then this is the
        // thread that has the lock, which takes the thing out.
        if accountant.load(ordering: .relaxed) == UInt(pthread_self()) {
            gone.withLock { $0.append(identity) }
        } else {
            entries.withLock { $0.things[identity] = nil }
        }
    }

    /// The thread that makes an account, and so has the lock; 0 if none does.
    private static let accountant = Atomic<UInt>(0)
    /// What has gone on that thread meanwhile.
    private static let gone = Guarded<[ObjectIdentifier]>([])

    /// The accounts of all that has a name.
    ///
    /// Each is made under the lock, one at a time: so its thing does not go meanwhile, and what
    /// wants the lock waits for one only.
    static func accounts(_ names: TaskNames) -> [Account] {
        let identities = entries.withLock { Array($0.things.keys) }
        return identities.compactMap { identity in
            entries.withLock { entries in
                guard let thing = entries.things[identity] else { return nil }
                accountant.store(UInt(pthread_self()), ordering: .relaxed)
                let account = account(of: thing, names)
                accountant.store(0, ordering: .relaxed)
                for identity in gone.withLock({ gone in
                    defer { gone = [] }
                    return gone
                }) {
                    entries.things[identity] = nil
                }
                return account
            }
        }
    }

    /// Knows the thing for no longer than it runs.
    @inline(never)
    private static func account(of thing: Thing, _ names: TaskNames) -> Account {
        thing.object.account(names)
    }
}
