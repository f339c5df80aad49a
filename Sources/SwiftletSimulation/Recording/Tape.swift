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
            guard step.isSafe else { throw TapeReader.Damage(offset: reader.offset) }
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

extension RecordedStep {
    /// Whether a loop can be told of the descriptors that the answer names.
    fileprivate var isSafe: Bool {
        guard case .told(let field) = answer else { return true }
        return field.descriptors.allSatisfy { 0..<Tape.descriptorsMax ~= $0.number }
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

// MARK: The file

// A tape as a file:
//
//     "Swiftlet recording\n"
//     version | 1 if the tape is cut, else 0 | calls by other threads | steps | bytes of steps
//     the steps
//     the digest of everything before: 8 bytes, the lowest first
//
// Numbers are as `TapeWriter` writes them. A file is read in whole or not at all.
extension Tape {
    /// Which format this is; it changes with whatever a step is or looks like.
    static let version: UInt64 = 1
    private static let title = Array("Swiftlet recording\n".utf8)

    /// The contents of the file.
    var file: [UInt8] {
        var head = TapeWriter()
        let numbers = [isCut ? 1 : 0, foreignCalls, count, bytes.count].map { UInt64($0) }
        for number in [Tape.version] + numbers { head.write(number) }
        let contents = Tape.title + head.bytes + bytes
        let digest = Tape.digest(of: contents[...])
        return contents + (0..<8).map { UInt8(truncatingIfNeeded: digest >> ($0 * 8)) }
    }

    /// Reads the contents of a file.
    init(file: [UInt8]) throws(RecordingError.Reason) {
        guard file.starts(with: Tape.title) else {
            throw Tape.title.starts(with: file) ? .truncated : .foreign
        }
        var reader = TapeReader(file[Tape.title.count...])
        let version = try Tape.head(from: &reader)
        guard version == Tape.version else { throw .version(version) }
        let (cut, foreignCalls) = (try Tape.head(from: &reader), try Tape.head(from: &reader))
        let (count, size) = (try Tape.head(from: &reader), try Tape.head(from: &reader))
        // Compared without adding, because the file says how long it claims to be.
        let rest = UInt64(file.endIndex - reader.offset)
        guard rest >= 8, rest - 8 >= size else { throw .truncated }
        let end = reader.offset + Int(size)
        guard rest - 8 == size, Tape.digest(of: file[..<end]) == Tape.number(in: file[end...]),
            let count = Int(exactly: count), let foreignCalls = Int(exactly: foreignCalls)
        else { throw .damaged }
        do throws(TapeReader.Damage) {
            try self.init(
                bytes: file[reader.offset..<end], count: count, isCut: cut != 0,
                foreignCalls: foreignCalls)
        } catch {
            throw .damaged
        }
    }

    /// Reads a number before the steps.
    private static func head(from reader: inout TapeReader) throws(RecordingError.Reason) -> UInt64
    {
        do throws(TapeReader.Damage) {
            return try reader.readNumber()
        } catch {
            throw reader.isAtEnd ? .truncated : .damaged
        }
    }

    private static func digest(of contents: ArraySlice<UInt8>) -> UInt64 {
        var digest = TraceDigest()
        contents.withUnsafeBytes { digest.add($0) }
        return digest.value
    }

    /// A number of eight bytes, the lowest first.
    private static func number(in bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
