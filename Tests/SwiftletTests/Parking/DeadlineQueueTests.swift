import Syscalls
import Testing

@testable import Swiftlet

@Suite struct DeadlineQueueTests {
    private func at(_ nanoseconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test func `the earliest is due first, and equal ones in their order`() {
        var queue = DeadlineQueue<String>()
        for (name, time) in [("c", 3), ("a", 1), ("b1", 2), ("b2", 2), ("b3", 2)] {
            _ = queue.insert(name, at: at(Int64(time)))
        }

        var order: [String] = []
        while let due = queue.popDue(at: at(10)) { order.append(due) }
        #expect(order == ["a", "b1", "b2", "b3", "c"])
    }

    @Test func `nothing is due before its time`() {
        var queue = DeadlineQueue<String>()
        _ = queue.insert("a", at: at(5))

        #expect(queue.next == at(5))
        #expect(queue.popDue(at: at(4)) == nil)
        #expect(queue.popDue(at: at(5)) == "a")
        #expect(queue.next == .never)
    }

    @Test func `a cancelled entry leaves at once, and its token finds nobody again`() {
        var queue = DeadlineQueue<String>()
        let token = queue.insert("a", at: at(5))

        #expect(queue.remove(token) == "a")
        #expect(queue.isEmpty)
        #expect(queue.remove(token) == nil)

        // The slot is used again, under another identity.
        let other = queue.insert("b", at: at(6))
        #expect(queue.remove(token) == nil)
        #expect(queue.replace(token, with: "x") == false)
        #expect(queue.remove(other) == "b")
    }

    @Test func `a replaced payload keeps its place`() {
        var queue = DeadlineQueue<String>()
        let token = queue.insert("reserved", at: at(1))
        _ = queue.insert("later", at: at(2))

        let isReplaced = queue.replace(token, with: "sleeper")
        #expect(isReplaced)
        #expect(queue.popDue(at: at(2)) == "sleeper")
        #expect(queue.popDue(at: at(2)) == "later")
    }

    /// Compares with a sorted list over many random steps.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `it agrees with a sorted list`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = DeadlineQueue<Int>()
        var model: [(deadline: Int64, id: Int)] = []
        var tokens: [Int: DeadlineQueue<Int>.Token] = [:]
        for id in 0..<2000 {
            switch random.next() % 3 {
            case 0, 1:
                let deadline = Int64(random.next() % 100)
                tokens[id] = queue.insert(id, at: at(deadline))
                model.append((deadline, id))
            default:
                if let victim = model.randomElement(using: &random), let token = tokens[victim.id] {
                    #expect(queue.remove(token) == victim.id, "seed \(seed)")
                    model.removeAll { $0.id == victim.id }
                }
            }
        }
        model.sort { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
        #expect(queue.count == model.count, "seed \(seed)")
        var order: [Int] = []
        while let due = queue.popDue(at: .never) { order.append(due) }
        #expect(order == model.map(\.id), "seed \(seed)")
    }
}

/// A small random generator that a seed repeats (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
