"""Write and read the machine-readable mark that a photo holds invented pixels.

XMP packet -> the same packet with IPTC's `DigitalSourceType` and a line of history; and back.
BMP holds no XMP: a photo written as BMP carries no mark (`carries_mark`).
"""

from dataclasses import dataclass
from html import escape
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from mask2face import photos

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
DRAWN = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"  # by no trained model
SOFTWARE = "mask2face"
STATEMENT = "lower faces are invented, not recovered; they do not show who someone is"

_TRAINED = ("compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia")
_GENERATED = (*_TRAINED, "compositeSynthetic", "algorithmicMedia")
# the ends of IPTC's terms for pictures that a program, or a trained model, made in whole or in part
_META = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_MEDIA = "http://ns.adobe.com/xap/1.0/mm/"
_EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
_PROPERTY = "DigitalSourceType"
_MAX_PACKET = 4 * 1024**2  # bytes; a packet past this is no description of a photo
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = '\n<?xpacket end="w"?>'
_EMPTY = f'<x:xmpmeta xmlns:x="{_META}"><rdf:RDF xmlns:rdf="{_RDF}"/></x:xmpmeta>'
_NEW_DESCRIPTION = (
    f'<rdf:Description xmlns:rdf="{_RDF}" xmlns:Iptc4xmpExt="{_IPTC}" rdf:about="%s"/>'
)
_NEW_HISTORY = (
    f'<xmpMM:History xmlns:xmpMM="{_MEDIA}"><rdf:Seq xmlns:rdf="{_RDF}"/></xmpMM:History>'
)
_NEW_EVENT = (
    f'<rdf:li xmlns:rdf="{_RDF}" xmlns:stEvt="{_EVENT}" rdf:parseType="Resource">'
    f"<stEvt:action>edited</stEvt:action><stEvt:softwareAgent>{SOFTWARE}</stEvt:softwareAgent>"
    "<stEvt:parameters>%s</stEvt:parameters></rdf:li>"
)


@dataclass(frozen=True)
class Provenance:
    """What the mark in a photo says.

    Attributes:
        source_type: IPTC `DigitalSourceType`, a URL; empty where only the history speaks.
        history: a line each for what programs say that they did ("mask2face: edited, ...").
    """

    source_type: str
    history: tuple[str, ...]

    @property
    def generated(self) -> bool:
        """Whether the mark says that a program made the picture or part of it."""
        return _term(self.source_type) in _GENERATED

    @property
    def by_mask2face(self) -> bool:
        """Whether the history names mask2face."""
        return any(line.startswith(f"{SOFTWARE}:") for line in self.history)


def carries_mark(format: str) -> bool:
    """Say whether files of this format can hold the mark: all of ours but BMP.

    >>> carries_mark("JPEG"), carries_mark("BMP")
    (True, False)
    """
    return format != "BMP"


def mark(xmp: bytes | None, statement: str = STATEMENT, source_type: str = SOURCE_TYPE) -> bytes:
    """Return an XMP packet that says that the photo holds generated parts.

    `Iptc4xmpExt:DigitalSourceType` becomes `source_type`, unless it already names a trained model
    and `source_type` does not: a mark is never made weaker. mask2face adds an event to the history
    (`xmpMM:History`), which also keeps an earlier value that differs. Every other property stays.
    A packet that is broken, longer than 4 MiB or declares entities is replaced. Marking twice
    gives what marking once gives.

    Args:
        xmp: the packet found in the photo, or None.
        statement: what the event says was done.
        source_type: one of IPTC's terms, a URL: `SOURCE_TYPE`, or `DRAWN` for what no trained model
            painted.

    >>> SOURCE_TYPE.encode() in mark(None)
    True
    """
    document = _parsed(xmp) or minidom.parseString(_EMPTY)
    rdf = _rdf(document)
    found = _take(rdf)
    trained = [value for value in found if _term(value) in _TRAINED]
    if trained and _term(source_type) not in _TRAINED:
        source_type = trained[0]
    before = [value for value in found if value != source_type]
    description = _description(rdf)
    description.setAttributeNS(_IPTC, f"Iptc4xmpExt:{_PROPERTY}", source_type)
    if before:
        statement = f"{statement}; {_PROPERTY} before: {before[0]}"
    known = [line for line in _events(rdf) if line.startswith(f"{SOFTWARE}:")]
    if not any(statement in line for line in known):
        _history(rdf, description).appendChild(_fragment(_NEW_EVENT, statement))
    body = "".join(node.toxml() for node in document.childNodes if not _is_wrapper(node))
    return f"{_HEAD}{body}{_TAIL}".encode()


def read_mark(source: photos.Source) -> Provenance | None:
    """Return what the mark in a photo says, or None where there is none.

    Args:
        source: path, bytes, binary stream or Pillow image.

    Raises:
        PhotoError: not there, empty, not a photo or broken.
    """
    return read_packet(photos.read_xmp(source))


def read_packet(xmp: bytes | None) -> Provenance | None:
    """Return what the mark in an XMP packet says, or None where there is none.

    Args:
        xmp: the packet; None, broken and hostile ones hold no mark.

    >>> read_packet(mark(None)).by_mask2face
    True
    """
    document = _parsed(xmp)
    if document is None:
        return None
    rdf = _rdf(document)
    found = _take(rdf)
    history = tuple(_events(rdf))
    if not found and not history:
        return None
    return Provenance(source_type=found[0] if found else "", history=history)


def _term(source_type: str) -> str:
    """Return the end of a URL of IPTC's terms."""
    return source_type.rsplit("/", 1)[-1]


def _parsed(xmp: bytes | None) -> minidom.Document | None:
    """Return the packet as a tree that holds an rdf:RDF, or None where it is missing or broken."""
    if not xmp or len(xmp) > _MAX_PACKET:
        return None
    try:
        text = xmp.strip(b"\x00 \t\r\n").decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            return None  # entities could grow without bound; XMP has none
        document = minidom.parseString(text)
        document.toxml()  # raises where it is nested too deeply to be written
    except (ExpatError, ValueError, RecursionError):
        return None
    return document if document.getElementsByTagNameNS(_RDF, "RDF") else None


def _rdf(document: minidom.Document) -> minidom.Element:
    return document.getElementsByTagNameNS(_RDF, "RDF")[0]


def _fragment(template: str, value: str = "") -> minidom.Element:
    """Return the element that a template of ours gives."""
    text = template.replace("%s", escape(value))
    element = minidom.parseString(text).documentElement
    if element is None:
        raise ValueError("a template without an element")
    return element


def _remove(element: minidom.Element) -> None:
    if element.parentNode is not None:
        element.parentNode.removeChild(element)


def _take(rdf: minidom.Element) -> list[str]:
    """Remove every DigitalSourceType below `rdf` and return the values."""
    values: list[str] = []
    for description in rdf.getElementsByTagNameNS(_RDF, "Description"):
        if description.hasAttributeNS(_IPTC, _PROPERTY):
            values.append(description.getAttributeNS(_IPTC, _PROPERTY).strip())
            description.removeAttributeNS(_IPTC, _PROPERTY)
    for element in rdf.getElementsByTagNameNS(_IPTC, _PROPERTY):
        values.append(element.getAttributeNS(_RDF, "resource").strip() or _text(element))
        _remove(element)
    return [value for value in values if value]


def _description(rdf: minidom.Element) -> minidom.Element:
    """Return an rdf:Description that declares IPTC's prefix, made where there is none."""
    nodes = [node for node in rdf.childNodes if isinstance(node, minidom.Element)]
    name = (_RDF, "Description")
    others = [node for node in nodes if (node.namespaceURI, node.localName) == name]
    for node in others:
        if node.getAttribute("xmlns:Iptc4xmpExt") == _IPTC:
            return node
    about = others[0].getAttributeNS(_RDF, "about") if others else ""
    return rdf.appendChild(_fragment(_NEW_DESCRIPTION, about))


def _history(rdf: minidom.Element, description: minidom.Element) -> minidom.Element:
    """Return the rdf:Seq of xmpMM:History, made where it is missing."""
    for history in rdf.getElementsByTagNameNS(_MEDIA, "History"):
        for sequence in history.getElementsByTagNameNS(_RDF, "Seq"):
            return sequence
        _remove(history)  # a history that is no list is none
    history = description.appendChild(_fragment(_NEW_HISTORY))
    return history.getElementsByTagNameNS(_RDF, "Seq")[0]


def _events(rdf: minidom.Element) -> list[str]:
    """Return the history, a line an event: "software: action, parameters"."""
    lines = []
    for history in rdf.getElementsByTagNameNS(_MEDIA, "History"):
        for item in history.getElementsByTagNameNS(_RDF, "li"):
            agent, *did = (_value(item, name) for name in ("softwareAgent", "action", "parameters"))
            lines.append(f"{agent or 'unknown'}: {', '.join(part for part in did if part)}")
    return lines


def _value(item: minidom.Element, name: str) -> str:
    """Return a field of an event, written as an attribute or as an element."""
    nested = item.getElementsByTagNameNS(_RDF, "Description")
    for element in (item, *nested):
        if element.hasAttributeNS(_EVENT, name):
            return element.getAttributeNS(_EVENT, name).strip()
    return "".join(_text(element) for element in item.getElementsByTagNameNS(_EVENT, name))


def _text(element: minidom.Element) -> str:
    texts = (node for node in element.childNodes if isinstance(node, minidom.Text))
    return "".join(node.data for node in texts).strip()


def _is_wrapper(node: minidom.Node) -> bool:
    return isinstance(node, minidom.ProcessingInstruction) and node.target == "xpacket"
