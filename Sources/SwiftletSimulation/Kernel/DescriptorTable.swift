import Drivers
import Syscalls

/// The open sockets of a host by their numbers, and which of them may be ready.
///
///     sockets  [ - - - | 3 | 4 | - | 6 ]    by number; 0 to 2 are a program's standard streams
///     listed   [ 6, 3 ]                     what may be ready, so that a wait does not scan
///
/// A number is the lowest that is free, as POSIX has it.
struct DescriptorTable {
    private static let firstNumber = 3
    private var sockets = Array(repeating: KernelSocket(isIPv6: false), count: firstNumber)
    private var lowestFree = firstNumber
    private(set) var count = 0
    var listed: [RawDescriptor] = []

    init() {}

    /// Opens a socket.
    mutating func insert(_ socket: KernelSocket) -> RawDescriptor {
        let number = lowestFree
        if number == sockets.count { sockets.append(socket) } else { sockets[number] = socket }
        sockets[number].isOpen = true
        count += 1
        repeat { lowestFree += 1 } while lowestFree < sockets.count && sockets[lowestFree].isOpen
        return RawDescriptor(CInt(number))
    }

    /// Closes a socket that is open.
    mutating func remove(_ descriptor: RawDescriptor) {
        if sockets[descriptor.index].isListed { listed.removeAll { $0 == descriptor } }
        count -= 1
        lowestFree = min(lowestFree, descriptor.index)
        sockets[descriptor.index] = KernelSocket(isIPv6: false)
    }

    func isOpen(_ descriptor: RawDescriptor) -> Bool {
        sockets.indices.contains(descriptor.index) && sockets[descriptor.index].isOpen
    }

    /// The numbers that are open, the lowest first.
    var open: [RawDescriptor] {
        sockets.indices.filter { sockets[$0].isOpen }.map { RawDescriptor(CInt($0)) }
    }

    /// An open socket; changed in place.
    subscript(descriptor: RawDescriptor) -> KernelSocket {
        get { sockets[descriptor.index] }
        _modify { yield &sockets[descriptor.index] }
    }
}
