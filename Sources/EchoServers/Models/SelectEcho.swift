import Swiftlet
import Syscalls

/// The echo service as a loop over select(2).
///
///     wantedReadable [ 0b…10010 | 0b…0 ]    one bit a descriptor, 64 a word
///     wantedWritable [ 0b…00010 | 0b…0 ]    whose echo was not taken
///     foundReadable, foundWritable          copies that the kernel overwrites with what is ready
///
/// All four are equally long, as long as the highest descriptor needs. The `FD_SETSIZE` of 1,024 in
/// books is the size of glibc's type; the kernel reads as many bits as it is told to.
enum SelectEcho: EchoService {
    static let ownCall = "select"
    static let story =
        "A loop written by hand over select. The kernel and the loop go through a bit for "
        + "every descriptor number at each wait: cheap where most are ready, and paid for "
        + "silence where they are not. Numbers above its set need a larger one."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        try serve(in: SelectLoop.self, options, stoppedBy: signals, onReady: onReady)
    }
}

private struct SelectLoop: EchoLoop, ~Copyable {
    private var room: EchoRoom
    private var waits = 0
    private var patience = Patience()
    private var wantedReadable: [UInt] = []
    private var wantedWritable: [UInt] = []
    private var foundReadable: [UInt] = []
    private var foundWritable: [UInt] = []

    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        room = try EchoRoom(options, stoppedBy: signals)
        for watched in room.watched { want(watched, readable: 1, writable: 0) }
    }

    var addresses: [ServiceAddress] { room.listener.addresses }
    var isOver: Bool { room.isOver }
    var counters: EchoCounters { room.counters.counting("select", waits) }

    /// Sets both bits of a descriptor.
    private mutating func want(_ descriptor: RawDescriptor, readable: UInt, writable: UInt) {
        let (word, bit) = Int(descriptor.number).quotientAndRemainder(dividingBy: UInt.bitWidth)
        while wantedReadable.count <= word {
            wantedReadable.append(0)
            wantedWritable.append(0)
            foundReadable.append(0)
            foundWritable.append(0)
        }
        wantedReadable[word] = wantedReadable[word] & ~(1 << bit) | readable << bit
        wantedWritable[word] = wantedWritable[word] & ~(1 << bit) | writable << bit
    }

    mutating func turn() throws(IOError) {
        waits += 1
        for word in wantedReadable.indices {
            foundReadable[word] = wantedReadable[word]
            foundWritable[word] = wantedWritable[word]
        }
        do throws(Errno) {
            guard try select() > 0 else { return }
        } catch {
            return try patience.outlastWait(error)
        }
        patience.renew()
        for word in foundReadable.indices {
            var bits = foundReadable[word] | foundWritable[word]
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                bits &= bits - 1
                try serve(RawDescriptor(CInt(word * UInt.bitWidth + bit)))
            }
        }
    }

    private mutating func select() throws(Errno) -> Int {
        let count = CInt(foundReadable.count * UInt.bitWidth)
        let time = room.stop.patience
        return try foundReadable.withUnsafeMutableBufferPointer { readable throws(Errno) in
            try foundWritable.withUnsafeMutableBufferPointer { writable throws(Errno) in
                guard let readable = readable.baseAddress, let writable = writable.baseAddress
                else { return 0 }
                return try selectOnce(
                    count: count, readable: readable, writable: writable, nanoseconds: time)
            }
        }
    }

    private mutating func serve(_ ready: RawDescriptor) throws(IOError) {
        if ready == room.stop.raw {
            try room.takeSignals()
            if room.stop.isDraining {
                for socket in room.listener.sockets { want(socket, readable: 0, writable: 0) }
            }
        } else if room.listener.sockets.contains(ready) {
            while let client = try room.accept(from: ready) {
                want(client, readable: 1, writable: 0)
            }
        } else {
            switch room.clients.step(ready) {
            case .moved, .dry: want(ready, readable: 1, writable: 0)
            case .full: want(ready, readable: 0, writable: 1)
            case .ended: want(ready, readable: 0, writable: 0)
            }
        }
    }
}
