import Syscalls

/// The steps of a recorded run, in order, as bytes; and what is known of the run besides.
///
/// A tape holds only bytes that are steps, because it wrote them itself or has checked them.
struct Tape: Equatable, Sendable {
    /// Descriptor numbers that a file tells a loop are below it, because loops keep tables by
    /// number. It is the most that Linux lets a process open (`fs.nr_open`, proc(5)).
    static let descriptorsMax: CInt = 1 << 20

    private var writer = TapeWriter()
    /// How many steps there are.
    private(set) var count = 0
    /// Whether there was no room for the rest of the run.
    private(set) var isCut = false
    /// Calls and wakes by threads that are not the loop's; none of them is among the steps.
    var foreignCalls = 0

    /// The steps as `TapeWriter` writes them.
    var bytes: [UInt8] { writer.bytes }

    /// An empty tape.
    init() {}

    /// The tape of so many steps that are all there is in `bytes`, which may come from anywhere.
    init(
        bytes: ArraySlice<UInt8>, count: Int, isCut: Bool, foreignCalls: Int
    ) throws(TapeReader.Damage) {
        var reader = TapeReader(bytes)
        while !reader.isAtEnd {
            let step = try reader.readStep()
            guard step.answer.descriptors.allSatisfy({ 0..<Tape.descriptorsMax ~= $0.number })
            else { throw TapeReader.Damage(offset: reader.offset) }
            add(step, limit: .max)
        }
        guard self.count == count else { throw TapeReader.Damage(offset: bytes.endIndex) }
        self.isCut = isCut
        self.foreignCalls = foreignCalls
    }

    /// Adds a step, unless that makes more than `limit` bytes; then the tape is cut there for good.
    mutating func add(_ step: RecordedStep, limit: Int) {
        if isCut { return }
        if writer.write(step, limit: limit) { count += 1 } else { isCut = true }
    }
}

extension Tape: Sequence {
    /// Goes through the steps from the first one on.
    func makeIterator() -> Iterator { Iterator(reader: TapeReader(bytes[...])) }

    struct Iterator: IteratorProtocol {
        fileprivate var reader: TapeReader

        mutating func next() -> RecordedStep? {
            if reader.isAtEnd { return nil }
            do throws(TapeReader.Damage) {
                return try reader.readStep()
            } catch {
                preconditionFailure("a tape has bytes that are no step, at \(error.offset)")
            }
        }
    }
}
