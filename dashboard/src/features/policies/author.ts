/** Who wrote a revision or made a backup: "you", or the name that Central keeps. */
import { useMe } from "@/api/session";

export function useAuthorWords(): (author: string) => string {
  const own = useMe()?.user.id;
  return (author) => (author === own ? "you" : author);
}
