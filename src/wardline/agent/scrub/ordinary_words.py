"""Words that paths, host names and evidence are made of: none of them alone is taken for a name.

A list with `Open` or `Root` in it would put a mark in every second line, and into the very words by
which the appliance tells a pass from a fail. Such a person stands in the list with the whole name.
"""

_WORDS = """
not and the pass fail unknown applicable open observing waiting repairing healed stable resolved
failed escalated success pending leased received acknowledged quarantined running succeeded expired
interrupted run ask offer block allow deny low medium high critical info cycle heartbeat incident
gap epoch host site appliance partner check result runbook rule policy order hold freeze frozen
agent central store queue log key witness note reason code detail failing found wanted state name
bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var local share cache
spool mail backup data base config conf default defaults service socket timer target mount path
slice scope user users group groups admin administrator guest nobody daemon system kernel module
driver disk file files folder image images print printer scan scans scanner server client desktop
laptop workstation station router switch gateway firewall proxy cluster node web www ftp http
https ssh sshd smtp imap ldap dns dhcp ntp snmp vnc rdp nfs smb cron auth login shell bash python
java docker linux windows debian ubuntu fedora apple intel net network audit clam chrony time date
zone sync password shadow passwd pam sudo apt lists update upgrade security release version test
demo main master public private common session input output error warning debug trace start stop
status enable enabled disable disabled set get put list show new old read write true false yes
none null all any one two jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat
sun january february march april june july august september october november december monday
tuesday wednesday thursday friday saturday sunday will mark bill rich page case field long short
young grant price cash bush stone wood woods waters banks hill rivers street lane way park church
bell cook baker miller mason porter carter chase cross drew frank gene grace hope joy art ray rose
ruby pat sue ward law love power powers little small large big green brown black white gray grey
gold silver king prince bishop pope knight page parks best good goodman sharp strong swift temple
day days night knight noon winter summer spring rain snow frost north south east west forest moss
reed rush bond book books box bridge brook brooks camp card cards christian close cloud cole core
cox drive fields fisher flowers ford fox gates glass graves guard hand hands head hood hooks house
howe hunt hunter ivy jack jean keys kitchen lamb land lock marsh max mills moody moon moore newman
noble orange owen pace pack pike pool post potts pound quick rich roads robin rock sands savage
self shell ships signal singer skinner song speed sparks steel storm table tanner taylor tower
train turner vale vance vane walker wall walls ware watch webb weeks wells wheeler wise wolf worth
"""
# One text, for a set of them would take ten times the memory of an agent that has no list.
_TEXT = f" {' '.join(_WORDS.split())} "


def is_ordinary(word: str) -> bool:
    """Of a word in lower case."""
    return f" {word} " in _TEXT
