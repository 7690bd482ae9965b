"""Functions of POSIX sh that reach a file by its name without being led elsewhere.

Somebody else may own the folder that a file lies in and exchange what is in it at any moment. A
script enters the folder and works on names in it, and holds what it is to change under a name that
nobody else can exchange. They need coreutils (or busybox); exit codes say what was wrong.
"""

MISSING, WRONG_KIND, HARD_LINKED, CUT_SHORT, EXISTS, DENIED, EXCHANGED = range(20, 27)

# p: what "$1" leads to; "follow" resolves a link at its end too. d, n: the folder and the name.
PLACE = f"""
place() {{
  p=$1
  if [ "$2" = follow ] && [ -L "$p" ]; then
    p=$(readlink -f -- "$p" && printf x) || exit {MISSING}
    p=${{p%?x}}
  fi
  n=${{p##*/}}; d=${{p%/*}}; [ -n "$d" ] || d=/
  [ -n "$n" ] && [ "$n" != . ] && [ "$n" != .. ] || {{ echo "has no name" >&2; exit 1; }}
  [ -d "$d" ] || exit {MISSING}
  [ -x "$d" ] || exit {DENIED}
  cd -P -- "$d" || exit 1
  n=./$n
}}
kind() {{
  if [ -L "$1" ]; then echo link
  elif [ -f "$1" ]; then echo file
  elif [ -d "$1" ]; then echo directory
  elif [ -p "$1" ]; then echo fifo
  elif [ -S "$1" ]; then echo socket
  elif [ -e "$1" ]; then echo device
  else echo none
  fi
}}
expect() {{
  k=$(kind "$n")
  [ "$k" != none ] || exit {MISSING}
  case " $* " in *" $k "*) ;; *) echo "$k"; exit {WRONG_KIND} ;; esac
}}
one_name() {{
  [ "$(kind "$n")" = file ] || return 0
  h=$(stat -c %h -- "$n") || exit 1
  [ "$h" = 1 ] || {{ echo "$h"; exit {HARD_LINKED}; }}
}}
settled() {{ sync . 2>/dev/null || sync; }}
"""

# alone: whether nobody else can exchange names in this folder. own: a folder of our own in this
# one, entered, with "$1" as a word that nobody could guess; whoever owns this one cannot look into
# it, nor move it elsewhere. hold: h is "$n" itself, if its device and number are still "$1": the
# folder that was entered, or, where names may be exchanged, a name in a folder of our own.
HOLD = f"""
alone() {{
  [ -O . ] || return 1
  case $(stat -c %a .) in *[2367] | *[2367]?) return 1 ;; esac
}}
own() {{
  o=./.wardline-$1
  mkdir -m 700 -- "$o" || exit 1
  cd -P -- "$o" || exit 1
  trap 'rm -f -- "$o"; cd .. && rmdir -- "$o"' EXIT
  [ -O . ] || exit {EXCHANGED}
  case $(stat -c %a .) in 700 | 2700) ;; *) exit {EXCHANGED} ;; esac
}}
hold() {{
  expect file directory; one_name
  if [ "$k" = directory ]; then
    h=.; cd -P -- "$n" || exit 1
  elif alone; then
    h=$n
  else
    own "$2"
    h=$o; ln -- "../$n" "$h" || exit 1
  fi
  [ "$(stat -c %d:%i -- "$h")" = "$1" ] || exit {EXCHANGED}
}}
"""
