import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of a document, with its own text but not that of the elements in it.
struct Element {
    let name: String
    let attributes: [String: String]
    var text = ""
}

/// Not XML: where, and what the parser says.
struct Malformed: Error {
    let line: Int
    let reason: String
}

/// Every element in document order; throws where the document is not well-formed XML.
func elements(of document: String) throws -> [Element] {
    let parser = XMLParser(data: Data(document.utf8))
    let collector = Collector()
    parser.delegate = collector
    guard parser.parse() else {
        throw Malformed(
            line: parser.lineNumber, reason: parser.parserError.map { "\($0)" } ?? "unknown")
    }
    return collector.elements
}

private final class Collector: NSObject, XMLParserDelegate {
    var elements: [Element] = []
    private var open: [Int] = []

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
    ) { open.removeLast() }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if let last = open.last { elements[last].text += string }
    }
}
