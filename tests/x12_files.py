"""X12 interchanges as a supplier sends them, written by hand.

Belongs here: texts that several tests share. Doesn't belong here: expectations.
"""

from __future__ import annotations

# A foundry acknowledges an order: line 1 as ordered, line 2 in two parts, line 3 not at all.
SEGMENTS_855 = """\
BAK*00*AC*4500012345*20260105****778123*20260106
REF*VR*100240
DTM*097*20260106
N1*ST*Example Pumps Hamburg*92*P100
N3*Werkstrasse 7
N4*Hamburg**20457*DE
N1*SU*Foundry Ltd*92*100240
PO1*00010*250*EA*12.40**BP*000200*VP*F-7741
PID*F****Housing, cast
ACK*IA*250*EA*068*20260130
PO1*00020*100*EA*3.15**BP*000210
ACK*IB*60*EA*068*20260130
ACK*IB*40*EA*068*20260220
DTM*068*20260220
PO1*00030*10*EA*88**BP*000220
CTT*3"""
# A shipment of two orders, the second one's items in a package.
SEGMENTS_856 = """\
BSN*00*SHP-9001*20260128*1430*0001
HL*1**S
TD1*CTN*3****G*212.5*KG
REF*BM*BOL-55
DTM*011*20260128
N1*SF*Foundry Ltd*92*100240
HL*2*1*O
PRF*4500012345***20260105
HL*3*2*I
LIN*00010*BP*000200
SN1**200*EA
HL*4*2*I
LIN*00020*BP*000210
SN1**60*EA
DTM*011*20260129
HL*5*1*O
PRF*4500012399***20260110
HL*6*5*P
MAN*GM*00340123450000000018
HL*7*6*I
LIN*00010*BP*000200
SN1**50*EA
CTT*7"""


def transaction_set(code: str, segments: str, number: str = "0001") -> list[str]:
    body = segments.splitlines()
    return [f"ST*{code}*{number}", *body, f"SE*{len(body) + 2}*{number}"]


def interchange(*sets: list[str], control: str = "000000101", kind: str = "PR") -> list[str]:
    isa = f"ISA*00*          *00*          *ZZ*FOUNDRY        *ZZ*EXAMPLEPUMPS   *260106*0800*U*00401*{control}*0*P*>"
    gs = f"GS*{kind}*FOUNDRY*EXAMPLEPUMPS*20260106*0800*7*X*004010"
    return [isa, gs, *(segment for one in sets for segment in one), f"GE*{len(sets)}*7", f"IEA*1*{control}"]


def text(segments: list[str], end: str = "~\n") -> str:
    return "".join(segment + end for segment in segments)


ACK_855 = text(interchange(transaction_set("855", SEGMENTS_855)))
ASN_856 = text(interchange(transaction_set("856", SEGMENTS_856), kind="SH"))
