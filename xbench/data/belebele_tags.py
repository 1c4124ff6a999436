"""What every language variant of Belebele has, and their names at the source."""

from __future__ import annotations

from collections.abc import Mapping

_TABLE = """
acm-Arab=acm_Arab af=afr_Latn am=amh_Ethi apc=apc_Arab ar=arb_Arab ar-Latn=arb_Latn ars=ars_Arab
ary=ary_Arab arz=arz_Arab as=asm_Beng az=azj_Latn bg=bul_Cyrl bm=bam_Latn bn=ben_Beng
bn-Latn=ben_Latn bo=bod_Tibt ca=cat_Latn ceb=ceb_Latn ckb=ckb_Arab cs=ces_Latn da=dan_Latn
de=deu_Latn el=ell_Grek en=eng_Latn es=spa_Latn et=est_Latn eu=eus_Latn fa=pes_Arab fi=fin_Latn
fil=tgl_Latn fr=fra_Latn fuv=fuv_Latn gn=grn_Latn gu=guj_Gujr ha=hau_Latn he=heb_Hebr
hi=hin_Deva hi-Latn=hin_Latn hr=hrv_Latn ht=hat_Latn hu=hun_Latn hy=hye_Armn id=ind_Latn
ig=ibo_Latn ilo=ilo_Latn is=isl_Latn it=ita_Latn ja=jpn_Jpan jv=jav_Latn ka=kat_Geor
kac=kac_Latn kea=kea_Latn kk=kaz_Cyrl km=khm_Khmr kn=kan_Knda ko=kor_Hang ky=kir_Cyrl
lg=lug_Latn ln=lin_Latn lo=lao_Laoo lt=lit_Latn luo=luo_Latn lv=lvs_Latn mg=plt_Latn mi=mri_Latn
mk=mkd_Cyrl ml=mal_Mlym mn=khk_Cyrl mr=mar_Deva ms=zsm_Latn mt=mlt_Latn my=mya_Mymr nb=nob_Latn
ne=npi_Deva ne-Latn=npi_Latn nl=nld_Latn nso=nso_Latn ny=nya_Latn om=gaz_Latn or=ory_Orya
pa=pan_Guru pbt=pbt_Arab pl=pol_Latn pt=por_Latn ro=ron_Latn ru=rus_Cyrl rw=kin_Latn sd=snd_Arab
shn=shn_Mymr si=sin_Sinh si-Latn=sin_Latn sk=slk_Latn sl=slv_Latn sn=sna_Latn so=som_Latn
sq=als_Latn sr=srp_Cyrl ss=ssw_Latn st=sot_Latn su=sun_Latn sv=swe_Latn sw=swh_Latn ta=tam_Taml
te=tel_Telu tg=tgk_Cyrl th=tha_Thai ti=tir_Ethi tn=tsn_Latn tr=tur_Latn ts=tso_Latn uk=ukr_Cyrl
ur=urd_Arab ur-Latn=urd_Latn uz=uzn_Latn vi=vie_Latn war=war_Latn wo=wol_Latn xh=xho_Latn
yo=yor_Latn zh=zho_Hans zh-Hant=zho_Hant zu=zul_Latn
"""

TAGS: Mapping[str, str] = dict(entry.split("=") for entry in _TABLE.split())
"""Name of a variant at the source (``arb_Arab``), by code (``ar``)."""

QUESTIONS, PASSAGES = 900, 488
"""How many every variant has; the questions are parallel in all."""
