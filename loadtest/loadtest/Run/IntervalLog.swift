import Generator
import Processes
import Reports
import Syscalls

/// The interval log of a command (`--hlog`): what ended in each interval, written when it is over.
///
///     tag        response, service, send_delay, warmup, slow_readers     as `latency` of the JSON
///     tag        probe1.response, …        of the first of several runs: as `probes` of the JSON
///
/// It is made of the same intervals as the totals, so each tag adds up to its figure there. What
/// was given up has its age.
///
/// The file is written in place and not as a draft: what is there can be read while the run goes
/// on, and is left by one that is killed. A last line tells a log that is whole. A pipe that is
/// full does not stop the command: what it does not take waits here.
struct IntervalLog: ~Copyable {
    private let path: String
    private let descriptor: Descriptor
    private let interval: Duration
    private let origin = Instant.now
    private var begun = Instant.now
    /// Stands before the tags of a run that is one of several.
    private var prefix = ""
    private var pending = Latencies()
    private var unwritten: ArraySlice<UInt8> = []
    /// Whether everything could be written; what comes after something that could not is not.
    private(set) var isWhole = true
    private var isRead = true

    /// Takes the file, which is open and empty.
    init(_ path: String, _ descriptor: consuming Descriptor, every interval: Duration) {
        self.path = path
        self.descriptor = descriptor
        self.interval = interval
        let (time, date) = (Machine.secondsSinceEpoch, Machine.dateAndTime)
        write(HistogramLog.header(startTime: time, date: date))
    }

    /// Begins another run, the `number`-th of the probes; nil when it is none.
    mutating func beginRun(probe number: Int?) {
        prefix = number.map { "probe\($0)." } ?? ""
        begun = .now
    }

    /// Takes what has ended since the last look.
    mutating func take(_ latencies: Latencies, at now: Instant) {
        pending.add(latencies)
        if now >= begun.advanced(by: interval) { close(at: now) } else { write("") }
    }

    /// Takes the last of a run.
    mutating func endRun(_ latencies: Latencies) {
        pending.add(latencies)
        close(at: .now)
    }

    /// Says that the log is whole. Where a pipe is full, it waits for its reader, and a signal ends
    /// the process.
    mutating func end(interruptibleBy signals: SignalSet) {
        let (time, date) = (Machine.secondsSinceEpoch, Machine.dateAndTime)
        write(HistogramLog.end(time: time, date: date))
        if unwritten.isEmpty { return }
        signals.unblock()
        write("", by: .never)
        signals.block()
    }

    /// Writes the interval that ends now; a tag without a sample has no line.
    private mutating func close(at now: Instant) {
        var lines = ""
        for kind in Latencies.kinds where pending[keyPath: kind.path].count > 0 {
            lines += HistogramLog.line(
                tag: prefix + kind.name,
                startSeconds: Double(origin.nanoseconds(to: begun)) / 1e9,
                lengthSeconds: Double(begun.nanoseconds(to: now)) / 1e9,
                pending[keyPath: kind.path].merged)
        }
        pending.clear()
        begun = now
        write(lines)
    }

    /// Writes a text behind what is left of those before, as far as there is room for it now.
    private mutating func write(_ text: String, by deadline: Instant = .now) {
        guard isWhole, isRead else { return }
        unwritten += text.utf8
        do throws(Errno) {
            try File.write(&unwritten, to: descriptor.raw, by: deadline)
        } catch .brokenPipe {
            // A reader that has gone has all it wanted.
            isRead = false
        } catch {
            isWhole = false
            _ = Output.complain(
                "cannot write --hlog \(path): \(error); it ends here", exit: ExitCode.cannotWrite)
        }
    }
}
