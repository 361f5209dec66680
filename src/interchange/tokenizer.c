/*
 * How many tokens a tokenizer knows, by its published name: for launch scripts, which name the tokenizer and leave the
 * count to it. The figures are "vocab_size" of the config.json that the makers publish beside the tokenizer; 50257 is
 * GPT-2's (Radford et al. 2019), 131072 what Megatron's tiktoken class takes unless told otherwise.
 */
#include "import.h"

#include <string.h>

typedef struct {
  const char *name; /* lower case, letters and digits: part of the name given */
  int64_t tokens;
} Tokenizer;

/* The longest name that is part of the given one counts. */
static const Tokenizer tokenizers[] = {
    {"deepseekv3", 129280},
    {"deepseekr1", 129280},
    {"deepseekv4", 129280},
    {"deepseekv2", 102400},
    {"deepseekmoe16b", 102400},
    {"deepseekllm", 102400},
    {"moonlight", 163840},
    {"kimi", 163840},
    {"llama2", 32000},
    {"llama27b", 32000},
    {"llama3", 128256},
    {"llama31", 128256},
    {"llama32", 128256},
    {"llama33", 128256},
    {"llama4", 202048},
    {"mixtral8x7b", 32000},
    {"mixtral8x22b", 32768},
    {"mixtral", 32000},
    {"mistral7bv01", 32000},
    {"mistral7bv03", 32768},
    {"mistralnemo", 131072},
    {"mistral", 32768},
    {"qwen2", 151936},
    {"qwen25", 151936},
    {"qwen15", 151936},
    {"qwen257b", 151936},
    {"qwen3", 151936},
    {"qwen3next", 151936},
    {"qwen35", 248320},
    {"gptoss", 201088},
    {"o200k", 201088},
    {"gpt2", 50257},
    {"gptneox", 50432},
    {"bloom", 250880},
    {"falcon", 65024},
    {"gemma3", 262144},
    {"gemma2", 256000},
    {"gemma", 256000},
    {"phi35moe", 32064},
    {"phi3", 32064},
    {"phi4", 100352},
    {"glm45", 151552},
    {"glm46", 151552},
    {"glm4", 151552},
    {"minimax", 200064},
    {"olmoe", 50304},
    {"olmo2", 100352},
    {"dbrx", 100352},
    {"ernie45", 103424},
    {"seedoss", 155136},
    {"nemotron4", 256000},
    {"nemotronh", 131072},
    {"nemotronnano", 131072},
    {"nemotron3", 131072},
    {"granite31", 49155},
    {"granite", 49155},
    {"baichuan2", 125696},
    {"yi6b", 64000},
    {"yi9b", 64000},
    {"yi34b", 64000},
    {"internlm2", 92544},
    {"grok1", 131072},
    {"deepseekr1distillqwen15b", 151936},
    {"deepseekr1distillqwen", 152064},
    {"deepseekr1distillllama", 128256},
    {"deepseekcoderv2", 102400},
    {"deepseekcoder", 32256},
    {"glm5", 154880},
    {"glm47", 151552},
    {"chatglm3", 65024},
    {"chatglm2", 65024},
    {"llama7b", 32000},
    {"llama13b", 32000},
    {"llama30b", 32000},
    {"llama65b", 32000},
    {"codellama7b", 32016},
    {"codellama13b", 32016},
    {"codellama34b", 32000},
    {"codellama70b", 32016},
    {"tinyllama", 32000},
    {"vicuna", 32000},
    {"llava15", 32064},
    {"mistral7binstructv01", 32000},
    {"mistral7binstructv02", 32000},
    {"mistralsmall24", 131072},
    {"mistralsmall31", 131072},
    {"mistralsmall32", 131072},
    {"ministral8b", 131072},
    {"ministral3", 131072},
    {"codestral", 32768},
    {"devstral", 131072},
    {"magistral", 131072},
    {"pixtral", 131072},
    {"qwen7b", 151936},
    {"qwen14b", 152064},
    {"qwen72b", 152064},
    {"qwen257binstruct", 152064},
    {"qwen2514b", 152064},
    {"qwen2532b", 152064},
    {"qwen2572b", 152064},
    {"qwen272b", 152064},
    {"qwen27binstruct", 152064},
    {"qwen25coder7b", 152064},
    {"qwen25coder14b", 152064},
    {"qwen25coder32b", 152064},
    {"qwen25math7b", 152064},
    {"qwen25math72b", 152064},
    {"qwq32b", 152064},
    {"gemma27b", 256000},
    {"gemma4", 262144},
    {"starcoder2", 49152},
    {"starcoder", 49152},
    {"smollm3", 128256},
    {"smollm", 49152},
    {"phi35mini", 32064},
    {"phi4mini", 200064},
    {"phi2", 51200},
    {"hunyuana13b", 128167},
    {"dotsllm1", 152064},
    {"exaone40", 102400},
    {"apertus", 131072},
    {"olmo3", 100278},
    {"nemotron340b", 256000},
    {"nemotron15b", 256000},
    {"minitron", 256000},
    {"nemotronsuper", 128256},
    {"llama31nemotron", 128256},
    {"llama33nemotron", 128256},
    {"nemotron2256k", 256000},
    {"tiktokenizer", 131072},
    {"granite40", 100352},
    {"bamba", 128256},
    {"falcon3", 131072},
    {"jamba", 65536},
    {"commandr", 256000},
    {"ayaexpanse", 256000},
    {"internlm3", 128512},
    {"longcatflash", 131072},
    {"mimo7b", 151680},
    {"mimov2", 152576},
    {"arctic", 32000},
    {"baichuan7b", 64000},
    {"baichuan13b", 64000},
    {"falconh17b", 130048},
    {"lingmini", 157184},
    {"lingflash", 157184},
    {"lingplus", 126464},
    {"linglite", 126464},
    {"llama31minitron", 128256},
    {"mixtral8x22bv01", 32000},
    {"mixtral8x22binstruct", 32768},
    {"multimixv8", 131072},
    {"qwen36", 248320},
    {"step37", 128896},
};

/*
 * Tokenizer classes of Pai-Megatron-Patch (megatron_patch/tokenizer/__init__.py): it takes what the tokenizer knows
 * without added tokens, plus --extra-vocab-size, and pads no further; for some models it has a number of its own. What
 * the tokenizers know is in vocab.json, tokenizer.model or tokenizer.json of the models that the class is named after;
 * some classes read other models' as well, and then the checkpoint's name counts before the class.
 */
typedef enum { PATCH_OWN, PATCH_FIXED, PATCH_SHARED } PatchKind;

static const struct {
  const char *name;
  int64_t tokens;
  PatchKind kind;
} patch_tokenizers[] = {
    {"LLamaTokenizer", 32000, PATCH_SHARED},
    {"LLama2Tokenizer", 32000, PATCH_SHARED},
    {"LLama3Tokenizer", 128000, PATCH_OWN},
    {"MixtralTokenizer", 32000, PATCH_SHARED},
    {"MistralTokenizer", 32000, PATCH_SHARED},
    {"Qwen2Tokenizer", 151643, PATCH_OWN},
    {"Qwen2VLTokenizer", 151643, PATCH_OWN},
    {"Qwen3Tokenizer", 151643, PATCH_OWN},
    {"QwenTokenizer", 151851, PATCH_OWN},
    {"DeepSeekV2Tokenizer", 100000, PATCH_SHARED},
    {"YiTokenizer", 64000, PATCH_OWN},
    {"FalconTokenizer", 65024, PATCH_OWN},
    {"BaichuanTokenizer", 64000, PATCH_SHARED},
    {"BloomTokenizerFromHF", 250880, PATCH_FIXED},
    {"ChatGLMTokenizerFromHF", 130528, PATCH_FIXED},
    {"GLM10BZHTokenizerFromHF", 50048, PATCH_FIXED},
    {"IcetkGLM130BTokenizer", 150528, PATCH_FIXED},
    {"StarcoderTokenizerFromHF", 49152, PATCH_FIXED},
};

int64_t import_patch_vocabulary(const char *tokenizer, int64_t extra, const char *checkpoint)
{
  for (guint i = 0; i < G_N_ELEMENTS(patch_tokenizers); i++) {
    PatchKind kind = patch_tokenizers[i].kind;

    if (strcmp(tokenizer, patch_tokenizers[i].name) != 0)
      continue;
    int64_t known = kind == PATCH_SHARED && checkpoint ? import_vocabulary_of(checkpoint) : 0;

    return known > 0 ? known : patch_tokenizers[i].tokens + (kind == PATCH_FIXED ? 0 : extra);
  }
  return 0;
}

/* Letters and digits, in lower case. */
static char *plain_name(const char *name)
{
  g_autoptr(GString) plain = g_string_new(NULL);

  for (; *name; name++)
    if (g_ascii_isalnum(*name))
      g_string_append_c(plain, g_ascii_tolower(*name));
  return g_string_free(g_steal_pointer(&plain), FALSE);
}

int64_t import_vocabulary_of(const char *tokenizer)
{
  g_autofree char *name = plain_name(tokenizer);
  const Tokenizer *best = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(tokenizers); i++)
    if (strstr(name, tokenizers[i].name) && (!best || strlen(tokenizers[i].name) > strlen(best->name)))
      best = &tokenizers[i];
  return best ? best->tokens : 0;
}
